-- One row: which ledger this is, so that another one in its place is noticed, and what is written to see whether writing works: a number, and room that
-- is taken for a moment.
CREATE TABLE ledger (
  id TEXT NOT NULL,
  probes INTEGER NOT NULL,
  room BLOB
) STRICT;

INSERT INTO ledger (id, probes) VALUES (lower(hex(randomblob(16))), 0);
