-- One name for one thing in both ledgers: the order of booking is a position, what settings hold is a body.
ALTER TABLE usage RENAME COLUMN no TO position;
ALTER TABLE settings RENAME COLUMN json TO body;
