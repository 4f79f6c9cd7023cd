-- Catalogues of prices that were put, whole files by their digest: settings name the one in force.
create table catalogues (
  digest text collate "C" primary key,
  file bytea not null
);
