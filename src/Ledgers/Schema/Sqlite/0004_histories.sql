-- Histories of usage as far as they were kept: a cache of the journal, as snapshots are.
CREATE TABLE histories (
  account INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  history BLOB NOT NULL
) STRICT;
