-- What somebody has to look at is found without reading every record: 1, a record has no price; 2, what was reported contradicts itself or was not read in
-- full; 3, both; null, nothing, which is so for nearly all. What settles a record takes its doubt away. The blobs are `"disputed":` and `"unread":`.
ALTER TABLE usage ADD COLUMN doubts INTEGER;

UPDATE usage SET doubts = nullif(
  (unpriced AND substr(usage_id, 1, 9) <> 'repriced:'
    AND NOT EXISTS (SELECT 1 FROM usage a WHERE a.account = usage.account AND a.usage_id IN ('repriced:1:' || usage.usage_id, 'void:' || usage.usage_id)))
  + 2 * ((instr(record, X'226469737075746564223a') > 0 OR instr(record, X'22756e72656164223a') > 0)
    AND NOT EXISTS (SELECT 1 FROM usage a WHERE a.account = usage.account AND a.usage_id IN ('corrected:1:' || usage.usage_id, 'void:' || usage.usage_id))), 0)
WHERE NOT erased AND (unpriced OR instr(record, X'226469737075746564223a') > 0 OR instr(record, X'22756e72656164223a') > 0);

CREATE INDEX usage_doubts ON usage (at DESC) WHERE doubts IS NOT NULL;
CREATE INDEX usage_doubts_by_account ON usage (account, at DESC) WHERE doubts IS NOT NULL;
