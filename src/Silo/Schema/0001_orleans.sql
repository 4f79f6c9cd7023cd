-- What the cluster keeps besides the ledger: grain states and reminders. The providers read their statements from OrleansQuery; names and
-- parameters in there are theirs. Hashes of keys come with every call and are only an aid: rows are told apart by whole keys.

create table grain_states (
  service text collate "C" not null,
  state text collate "C" not null,
  n0 bigint not null,
  n1 bigint not null,
  extension text collate "C" not null,
  version int not null,
  payload bytea,
  written timestamptz not null default now(),
  primary key (service, state, n0, n1, extension)
);

create table reminders (
  service text collate "C" not null,
  grain text collate "C" not null,
  name text collate "C" not null,
  hash int not null,
  start timestamptz not null,
  period bigint not null,
  version int not null,
  primary key (service, grain, name)
);
-- Each silo reads the reminders of its ranges of hashes, again and again.
create index reminders_by_hash on reminders (service, hash);

create table OrleansQuery (
  QueryKey text primary key,
  QueryText text not null
);

insert into OrleansQuery (QueryKey, QueryText) values
('ReadFromStorageKey', $q$
select payload as PayloadBinary, version as Version from grain_states
where service = @ServiceId and state = @GrainTypeString and n0 = @GrainIdN0 and n1 = @GrainIdN1 and extension = coalesce(@GrainIdExtensionString, '')
$q$),
-- No version: the writer knows of no row. No row in the answer: somebody else was there.
('WriteToStorageKey', $q$
with added as (
  insert into grain_states (service, state, n0, n1, extension, version, payload)
  select @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''), 1, @PayloadBinary
  where @GrainStateVersion is null
  on conflict do nothing
  returning version
), changed as (
  update grain_states set version = version + 1, payload = @PayloadBinary, written = now()
  where service = @ServiceId and state = @GrainTypeString and n0 = @GrainIdN0 and n1 = @GrainIdN1
    and extension = coalesce(@GrainIdExtensionString, '') and version = @GrainStateVersion
  returning version
)
select version as NewGrainStateVersion from added union all select version from changed
$q$),
('ClearStorageKey', $q$
update grain_states set version = version + 1, payload = null, written = now()
where service = @ServiceId and state = @GrainTypeString and n0 = @GrainIdN0 and n1 = @GrainIdN1
  and extension = coalesce(@GrainIdExtensionString, '') and version = @GrainStateVersion
returning version
$q$),
('DeleteStorageKey', $q$
delete from grain_states
where service = @ServiceId and state = @GrainTypeString and n0 = @GrainIdN0 and n1 = @GrainIdN1
  and extension = coalesce(@GrainIdExtensionString, '') and version = @GrainStateVersion
returning version + 1
$q$),
('UpsertReminderRowKey', $q$
insert into reminders as r (service, grain, name, hash, start, period, version)
values (@ServiceId, @GrainId, @ReminderName, @GrainHash, @StartTime, @Period, 0)
on conflict (service, grain, name) do update
  set hash = excluded.hash, start = excluded.start, period = excluded.period, version = r.version + 1
returning version as Version
$q$),
('ReadReminderRowsKey', $q$
select grain as GrainId, name as ReminderName, start as StartTime, period as Period, version as Version from reminders
where service = @ServiceId and grain = @GrainId
$q$),
('ReadReminderRowKey', $q$
select grain as GrainId, name as ReminderName, start as StartTime, period as Period, version as Version from reminders
where service = @ServiceId and grain = @GrainId and name = @ReminderName
$q$),
('ReadRangeRows1Key', $q$
select grain as GrainId, name as ReminderName, start as StartTime, period as Period, version as Version from reminders
where service = @ServiceId and hash > @BeginHash and hash <= @EndHash
$q$),
-- The range that goes around the end of the numbers, and the whole ring.
('ReadRangeRows2Key', $q$
select grain as GrainId, name as ReminderName, start as StartTime, period as Period, version as Version from reminders
where service = @ServiceId and (hash > @BeginHash or hash <= @EndHash)
$q$),
-- Always one row: whether there was something to delete.
('DeleteReminderRowKey', $q$
with gone as (
  delete from reminders where service = @ServiceId and grain = @GrainId and name = @ReminderName and version = @Version returning 1
)
select count(*) from gone
$q$),
('DeleteReminderRowsKey', $q$
delete from reminders where service = @ServiceId
$q$);
