-- What somebody has to look at is found without reading every record: 1, a record has no price; 2, what was reported contradicts itself or was not read in
-- full; 3, both; null, nothing, which is so for nearly all. What settles a record takes its doubt away. The bytes are `"disputed":` and `"unread":`.
create function doubts_of(usage_id text, unpriced boolean, record bytea) returns smallint language sql immutable as
  $$ select nullif(
       case when unpriced and not starts_with(usage_id, 'repriced:') then 1 else 0 end
       + case when position('\x226469737075746564223a'::bytea in record) > 0 or position('\x22756e72656164223a'::bytea in record) > 0 then 2 else 0 end,
       0)::smallint $$;

alter table usage add column doubts smallint;

update usage u set doubts = nullif(
  doubts_of(u.usage_id, u.unpriced, u.record)
    & case when exists (select from usage a where a.account = u.account and a.usage_id in ('repriced:1:' || u.usage_id, 'void:' || u.usage_id)) then 2 else 3 end
    & case when exists (select from usage a where a.account = u.account and a.usage_id in ('corrected:1:' || u.usage_id, 'void:' || u.usage_id)) then 1 else 3 end,
  0)
where not u.erased and doubts_of(u.usage_id, u.unpriced, u.record) is not null;

create index usage_doubts on usage (at desc, position) where doubts is not null;
create index usage_doubts_by_account on usage (account, at desc, position) where doubts is not null;

-- One durable step for many accounts, in one round trip. Heads are locked in account order, so that two writers never wait for each
-- other in a circle; after the lock each statement sees what was committed last. An account without events only has its version
-- confirmed. Ids that were taken for new and are known conflict at the expected version. Status: 0 written or confirmed, 1 conflict.
create or replace function append(
  accounts text[], shards smallint[], expected bigint[], known_settings bigint[], ats bigint[], deadlines bigint[], events bytea[],
  u_owner int[], u_id text[], u_at bigint[], u_booked_at bigint[], u_orchestrator text[], u_user text[], u_tenant text[], u_session text[], u_provider text[],
  u_model text[], u_tool text[], u_request text[], u_reservation text[], u_success boolean[], u_unpriced boolean[], u_input bigint[],
  u_output bigint[], u_requests bigint[], u_cost bigint[], u_currency text[], u_duration bigint[], u_record bytea[],
  h_owner int[], h_id text[], h_hold bytea[],
  nh_owner int[], nh_id text[], nu_owner int[], nu_id text[]
) returns table (ord int, status int, version bigint, settings_version bigint)
language plpgsql
-- One plan for all sizes of a batch: making it anew each time would cost more than the work. It may be made while the tables are empty and
-- is kept while they grow, so it must find everything by key: no reading of whole tables, and lookups written row by row.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  newest bigint := coalesce((select max(s.version) from settings s), 0);
begin
  insert into heads (account, shard, version)
    select a.account, a.shard, 0
    from unnest(accounts, shards, expected, known_settings, events) as a(account, shard, expected, known, events)
    where a.expected = 0 and a.events is not null and (a.known is null or a.known >= newest)
    order by a.account
    on conflict do nothing;

  perform 1
    from (
      select a.account from unnest(accounts, events) as a(account, events) where a.events is not null order by a.account
    ) as a
    cross join lateral (select h.version from heads h where h.account = a.account for update) as locked;

  return query
  with known as materialized (
    select n.owner from unnest(nh_owner, nh_id) as n(owner, id)
      cross join lateral (select 1 from closed_holds k where k.account = accounts[n.owner] and k.hold_id = n.id limit 1) as found
    union
    select n.owner from unnest(nu_owner, nu_id) as n(owner, id)
      -- A range of one, in order: of two indexes that begin with the account only the one by id gives that.
      cross join lateral (
        select 1 from usage k where k.account = accounts[n.owner] and k.usage_id >= n.id and k.usage_id <= n.id order by k.usage_id limit 1
      ) as found
  ), asked as materialized (
    select a.*, coalesce(h.version, 0) as found,
           coalesce(h.version, 0) = a.expected and (a.known is null or a.known >= newest) and not exists (select from known k where k.owner = a.ord) as fits
    from unnest(accounts, expected, known_settings, ats, deadlines, events) with ordinality as a(account, expected, known, at, deadline, events, ord)
    left join lateral (select h.version from heads h where h.account = a.account limit 1) as h on true
  ), good as materialized (
    select * from asked where fits and events is not null
  ), moved as (
    update heads h set version = g.expected + 1, next_deadline = g.deadline from good g where h.account = g.account
  ), journaled as (
    insert into journal (account, version, at, events) select g.account, g.expected + 1, g.at, g.events from good g
  ), used as (
    insert into usage (account, usage_id, at, booked_at, orchestrator, "user", tenant, session, provider, model, tool, request_id, reservation_id,
                       success, unpriced, input, output, requests, cost_nanos, currency, duration_ms, record, doubts)
    select g.account, u.id, u.at, u.booked_at, u.orchestrator, u."user", u.tenant, u.session, u.provider, u.model, u.tool, u.request, u.reservation,
           u.success, u.unpriced, u.input, u.output, u.requests, u.cost, u.currency, u.duration, u.record, doubts_of(u.id, u.unpriced, u.record)
    from unnest(u_owner, u_id, u_at, u_booked_at, u_orchestrator, u_user, u_tenant, u_session, u_provider, u_model, u_tool, u_request, u_reservation,
                u_success, u_unpriced, u_input, u_output, u_requests, u_cost, u_currency, u_duration, u_record)
      with ordinality
      as u(owner, id, at, booked_at, orchestrator, "user", tenant, session, provider, model, tool, request, reservation,
           success, unpriced, input, output, requests, cost, currency, duration, record, row)
    join good g on g.ord = u.owner
    order by u.row
  ), closed as (
    insert into closed_holds (account, hold_id, hold)
    select g.account, c.id, c.hold from unnest(h_owner, h_id, h_hold) as c(owner, id, hold) join good g on g.ord = c.owner
    on conflict (account, hold_id) do update set hold = excluded.hold
  )
  select a.ord::int,
         case when a.fits then 0 else 1 end,
         case when a.fits and a.events is not null then a.expected + 1 else a.found end,
         newest
  from asked a;

  -- What was rated, corrected or voided here is in doubt no more; such records are few.
  if exists (select from unnest(u_id) as u(id) where u.id like 'repriced:1:%' or u.id like 'corrected:1:%' or u.id like 'void:%') then
    update usage k set doubts = nullif(k.doubts & s.stays, 0)
    from (
      select found.position, bit_and(case when u.id like 'repriced:%' then 2 when u.id like 'corrected:%' then 1 else 0 end)::smallint as stays
      from unnest(u_owner, u_id) as u(owner, id)
        cross join lateral (select regexp_replace(u.id, '^(repriced:1|corrected:1|void):', '') as id) as settled
        -- The settling record is there: its account fitted.
        cross join lateral (
          select 1 from usage v where v.account = accounts[u.owner] and v.usage_id >= u.id and v.usage_id <= u.id order by v.usage_id limit 1
        ) as written
        cross join lateral (
          select v.position from usage v where v.account = accounts[u.owner] and v.usage_id >= settled.id and v.usage_id <= settled.id
          order by v.usage_id limit 1
        ) as found
      where settled.id <> u.id
      group by found.position
    ) as s
    where k.position = s.position and k.doubts is not null;
  end if;
end
$$;
