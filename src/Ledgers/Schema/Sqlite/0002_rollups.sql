-- Usage added up by quarters of an hour, hours and days, so that reports do not read records one by one. Rows are added from `usage` in the
-- order of booking; `folded` says how far, so every record counts once: in a row, or as a record that is not folded yet.

CREATE TABLE rollup_keys (
  no INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE rollups (
  level INTEGER NOT NULL,
  start INTEGER NOT NULL,
  key INTEGER NOT NULL,
  sums BLOB NOT NULL,
  sessions BLOB NOT NULL,
  PRIMARY KEY (level, start, key)
) STRICT, WITHOUT ROWID;

-- One row. Hours and days are made of their parts once they are over: there are none that begin at `hours_before` or `days_before`, or later.
CREATE TABLE rollup_state (
  folded INTEGER NOT NULL,
  hours_before INTEGER NOT NULL,
  days_before INTEGER NOT NULL,
  last_key INTEGER NOT NULL
) STRICT;

INSERT INTO rollup_state VALUES (0, -62135596800000, -62135596800000, 0);

-- Only calls that name a session pay for it.
CREATE INDEX usage_by_session ON usage (account, session, at) WHERE session IS NOT NULL;
