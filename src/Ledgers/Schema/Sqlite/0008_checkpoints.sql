-- What the journal of an account begins with in place of its oldest entries, which were compacted: everything that those come to. Part of the
-- journal, so never deleted.
CREATE TABLE checkpoints (
  account INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state BLOB NOT NULL,
  history BLOB NOT NULL
) STRICT;

-- The usage in compacted entries, by quarters of an hour: what rollups are made again from. Keys are spelt out, for the numbers of others change.
CREATE TABLE compacted_usage (
  account INTEGER NOT NULL,
  start INTEGER NOT NULL,
  key TEXT NOT NULL,
  sums BLOB NOT NULL,
  sessions BLOB NOT NULL,
  PRIMARY KEY (account, start, key)
) STRICT, WITHOUT ROWID;

-- What a compacted entry had for the audit trail.
ALTER TABLE audit ADD COLUMN at INTEGER;
ALTER TABLE audit ADD COLUMN events BLOB;
