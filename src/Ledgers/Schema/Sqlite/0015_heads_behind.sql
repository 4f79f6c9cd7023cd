-- Heads are written behind the journal: those of all entries up to `heads_through` are in their rows, and an entry says what its head lacks.
ALTER TABLE journal ADD COLUMN next_deadline INTEGER;
ALTER TABLE ledger ADD COLUMN heads_through INTEGER NOT NULL DEFAULT 0;

UPDATE ledger SET heads_through = coalesce((SELECT max(position) FROM journal), 0);
