-- One row: which ledger this is, so that another one in its place is noticed, and a number that is written to see whether writing works.
create table ledger (
  id text not null,
  probes bigint not null
);

insert into ledger (id, probes) values (replace(gen_random_uuid()::text, '-', ''), 0);
