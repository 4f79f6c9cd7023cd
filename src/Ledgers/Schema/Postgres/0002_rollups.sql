-- Usage added up by quarters of an hour, hours and days, so that reports do not read records one by one. Rows are added from `usage` in the
-- order of its positions; `folded` says how far, so every record counts once: in a row, or as a record that is not folded yet.

create table rollup_keys (
  no int primary key,
  key text collate "C" not null unique
);

create table rollups (
  level smallint not null,
  start bigint not null,
  key int not null,
  sums bytea not null,
  sessions bytea not null,
  primary key (level, start, key)
) with (fillfactor = 70);

-- One row, and the lock of whoever changes rollups. Hours and days are made of their parts once they are over: there are none that begin at
-- `hours_before` or `days_before`, or later.
create table rollup_state (
  folded bigint not null,
  hours_before bigint not null,
  days_before bigint not null,
  last_key int not null
);

insert into rollup_state values (0, -62135596800000, -62135596800000, 0);

-- Only calls that name a session pay for it.
create index usage_by_session on usage (account, session, at) where session is not null;
