-- Settings in parts, so that a change costs its own size; what was changed in rows of its own. Versions before the newest go.
CREATE TABLE settings_parts (
  name TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;

CREATE TABLE settings_notes (
  version INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;

DELETE FROM settings WHERE version < (SELECT max(version) FROM settings);

INSERT INTO settings_parts (name, body)
SELECT part.key, CAST(part.value AS BLOB) FROM settings, json_each(CAST(body AS TEXT)) AS part
WHERE part.key NOT IN ('prices', 'changes') AND part.type <> 'null';

INSERT INTO settings_parts (name, body)
SELECT 'price:' || json_extract(price.value, '$.version'), CAST(price.value AS BLOB) FROM settings, json_each(CAST(body AS TEXT), '$.prices') AS price;

INSERT INTO settings_notes (version, subject, body)
SELECT json_extract(note.value, '$.version'), json_extract(note.value, '$.subject'), CAST(note.value AS BLOB)
FROM settings, json_each(CAST(body AS TEXT), '$.changes') AS note;

ALTER TABLE settings DROP COLUMN body;
