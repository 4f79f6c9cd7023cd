-- Catalogues of prices that were put, whole files by their digest: settings name the one in force.
CREATE TABLE catalogues (
  digest TEXT PRIMARY KEY,
  file BLOB NOT NULL
) STRICT;
