-- Counters that left memory, each of which would otherwise be in its account's snapshot. What ended before `until` counts for nothing.

CREATE TABLE counters (
  account INTEGER NOT NULL,
  no INTEGER NOT NULL,
  key TEXT NOT NULL,
  until INTEGER NOT NULL,
  keep INTEGER NOT NULL,
  counter BLOB NOT NULL,
  PRIMARY KEY (account, no, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX counters_ended ON counters (account, until) WHERE keep = 0;
