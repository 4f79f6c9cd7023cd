-- Histories of settings are read by what was changed.
CREATE INDEX settings_notes_subject ON settings_notes (subject COLLATE NOCASE, version);
