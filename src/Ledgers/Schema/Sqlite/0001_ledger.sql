-- The ledger in one SQLite file. Instants are milliseconds since 1970. The hot path writes at the end of tables wherever it can: a page
-- that a transaction touches costs more than the row in it.

CREATE TABLE accounts (
  no INTEGER PRIMARY KEY,
  account TEXT NOT NULL UNIQUE
) STRICT;

-- Rewritten by every batch, so it holds nothing but numbers. `last_entry` is the position of the account's newest journal entry.
-- `wake_at` is never after `next_deadline` and may be before it: a hold that comes and goes moves the deadline, but not the index.
CREATE TABLE heads (
  account INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  last_entry INTEGER NOT NULL,
  next_deadline INTEGER,
  wake_at INTEGER
) STRICT;

CREATE INDEX heads_due ON heads (wake_at) WHERE wake_at IS NOT NULL;

-- One row for each account of a batch, in the order of commit. Entries of an account are chained backwards by `previous` (a position);
-- the index finds every 64th, so that a reader enters the chain anywhere while an append does not touch a page for it each time.
CREATE TABLE journal (
  position INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  version INTEGER NOT NULL,
  previous INTEGER,
  at INTEGER NOT NULL,
  events BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX journal_entrances ON journal (account, version) WHERE version % 64 = 0;

CREATE TABLE snapshots (
  account INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  state BLOB NOT NULL
) STRICT;

-- Ids come first in both indexes of ids: generated ones grow with time, so they too are inserted at the end.
CREATE TABLE closed_holds (
  no INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  hold_id TEXT NOT NULL,
  hold BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX closed_holds_by_id ON closed_holds (hold_id, account);

-- `no` is the order of booking. The columns are what is filtered and summed; `record` is the whole of it.
CREATE TABLE usage (
  no INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  usage_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  booked_at INTEGER NOT NULL,
  reservation_id TEXT,
  orchestrator TEXT,
  user TEXT,
  tenant TEXT,
  session TEXT,
  provider TEXT,
  model TEXT,
  tool TEXT,
  request_id TEXT,
  success INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  cost_nanos INTEGER NOT NULL,
  currency TEXT NOT NULL,
  duration_ms INTEGER,
  unpriced INTEGER NOT NULL,
  record BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX usage_by_id ON usage (usage_id, account);
CREATE INDEX usage_by_account ON usage (account, at DESC);
CREATE INDEX usage_by_at ON usage (at DESC);

CREATE TABLE settings (
  version INTEGER PRIMARY KEY,
  json BLOB NOT NULL
) STRICT;
