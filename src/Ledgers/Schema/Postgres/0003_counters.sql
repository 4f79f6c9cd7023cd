-- Counters that left memory, each of which would otherwise be in its account's snapshot. What ended before `until` counts for nothing.

create table counters (
  account text collate "C" not null,
  no int not null,
  key text collate "C" not null,
  until bigint not null,
  keep boolean not null,
  counter bytea not null,
  primary key (account, no, key)
);
create index counters_ended on counters (account, until) where not keep;
