-- One order over the journals of all accounts. A position is given out after the transaction has locked the journal's table for writing, so
-- whoever may still add a lower one can be waited for.
create sequence feed_position cache 1;
alter table journal add column position bigint;
update journal j set position = o.position
  from (select account, version, row_number() over (order by at, account, version) as position from journal) o
  where o.account = j.account and o.version = j.version;
select setval('feed_position', greatest((select coalesce(max(position), 0) from journal), 1), (select count(*) > 0 from journal));
alter table journal alter column position set default nextval('feed_position');
alter table journal alter column position set not null;
create unique index journal_by_position on journal (position);

-- What happened but is in no journal; positions are of the same sequence.
create table announcements (
  position bigint primary key default nextval('feed_position'),
  id text collate "C" not null unique,
  type text not null,
  account text collate "C",
  at bigint not null,
  subject text,
  severity text,
  json text not null
);

-- One row: of the journal's entries up to this position some were compacted.
create table feed_state (
  gone_to bigint not null
);
insert into feed_state (gone_to)
  select case when exists (select 1 from checkpoints) then coalesce((select max(position) from journal), 0) else 0 end;
