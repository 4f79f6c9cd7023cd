-- Rollups of weeks, where those of days have many rows: they are made of the days, in the background, and there are none from here on.
ALTER TABLE rollup_state ADD COLUMN weeks_before INTEGER NOT NULL DEFAULT -62135596800000;

-- What one person or one model used, over all accounts: its keys by their names, and the rows of a key. Numbers of levels: days of accounts
-- with models, users, orchestrators and tenants, and weeks with models. Finding a row by its place costs more than reading its sums here.
CREATE INDEX rollup_keys_by_name ON rollup_keys (
  coalesce(key ->> '$.view', 0), coalesce(key ->> '$.user', key ->> '$.model', key ->> '$.orchestrator', key ->> '$.tenant'));
CREATE INDEX rollups_by_key ON rollups (key, level, start, sums) WHERE level IN (8, 11, 14, 17, 102);
