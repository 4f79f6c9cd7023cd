-- What happened but is in no journal; positions are of one sequence with those of the journal.
CREATE TABLE announcements (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  account TEXT,
  at INTEGER NOT NULL,
  subject TEXT,
  severity TEXT,
  json TEXT NOT NULL
) STRICT;

-- One row: of the journal's entries up to this position some were compacted.
CREATE TABLE feed_state (
  gone_to INTEGER NOT NULL
) STRICT;

INSERT INTO feed_state (gone_to)
SELECT CASE WHEN EXISTS (SELECT 1 FROM checkpoints) THEN coalesce((SELECT max(position) FROM journal), 0) ELSE 0 END;
