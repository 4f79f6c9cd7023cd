-- Histories of settings are read by what was changed.
create index settings_notes_subject on settings_notes (lower(subject collate "C"), version);
