-- Histories of usage as far as embedded hosts kept them: a cache of the journal, as snapshots are.
create table histories (
  account text collate "C" primary key,
  version bigint not null,
  history bytea not null
);
