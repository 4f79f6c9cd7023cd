-- What the journal of an account begins with in place of its oldest entries, which were compacted: everything that those come to. Part of the
-- journal, so never deleted.
create table checkpoints (
  account text collate "C" primary key,
  version bigint not null,
  at bigint not null,
  state bytea not null,
  history bytea not null
);

-- The usage in compacted entries, by quarters of an hour: what rollups are made again from. Keys are spelt out, for the numbers of others change.
create table compacted_usage (
  account text collate "C" not null,
  start bigint not null,
  key text collate "C" not null,
  sums bytea not null,
  sessions bytea not null,
  primary key (account, start, key)
);

-- What a compacted entry had for the audit trail.
alter table audit add column at bigint;
alter table audit add column events bytea;
