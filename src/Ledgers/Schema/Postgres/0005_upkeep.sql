-- What is erased keeps its row for the identity of the record, so that a retry books nothing again.
alter table usage add column erased boolean not null default false;

-- Records booked before this are gone, or may go.
alter table rollup_state add column kept_since bigint;

-- The journal entries with something for the audit trail. `erases`: one asks for an erasure that was not carried out yet.
create table audit (
  account text collate "C" not null,
  version bigint not null,
  erases boolean not null,
  primary key (account, version)
);

create index audit_erasures on audit (account, version) where erases;

insert into audit (account, version, erases)
select account, version, false from journal
where position('"e":"policyChanged"'::bytea in events) > 0 or position('"e":"paused"'::bytea in events) > 0 or position('"e":"resumed"'::bytea in events) > 0
  or position('"e":"overrideAdded"'::bytea in events) > 0 or position('"e":"overrideRemoved"'::bytea in events) > 0;
