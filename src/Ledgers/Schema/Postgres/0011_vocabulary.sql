-- One name for one thing in both ledgers, and when a record was booked as a column of its own.
alter table holds rename to closed_holds;
alter table closed_holds rename column id to hold_id;
alter table usage rename column cost to cost_nanos;
alter table usage rename column duration to duration_ms;

-- The only place where it stood was the record, as milliseconds; quotes within its texts are escaped there.
alter table usage add column booked_at bigint;
update usage set booked_at = coalesce(substring(convert_from(record, 'UTF8') from '"bookedAt":(-?[0-9]+)')::bigint, 0);
alter table usage alter column booked_at set not null;

do $$
begin
  execute (select 'drop function ' || oid::regprocedure from pg_proc where proname = 'append' and pronamespace = (select oid from pg_namespace where nspname = current_schema()));
end
$$;

-- One durable step for many accounts, in one round trip. Heads are locked in account order, so that two writers never wait for each
-- other in a circle; after the lock each statement sees what was committed last. An account without events only has its version
-- confirmed. Ids that were taken for new and are known conflict at the expected version. Status: 0 written or confirmed, 1 conflict.
create function append(
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
                       success, unpriced, input, output, requests, cost_nanos, currency, duration_ms, record)
    select g.account, u.id, u.at, u.booked_at, u.orchestrator, u."user", u.tenant, u.session, u.provider, u.model, u.tool, u.request, u.reservation,
           u.success, u.unpriced, u.input, u.output, u.requests, u.cost, u.currency, u.duration, u.record
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
end
$$;
