-- Rollups of weeks, where those of days have many rows: they are made of the days, in the background, and there are none from here on.
alter table rollup_state add column weeks_before bigint not null default -62135596800000;

-- What one person or one model used, over all accounts: its keys by their names, and the rows of a key. Numbers of levels: days of accounts
-- with models, users, orchestrators and tenants, and weeks with models.
create index rollup_keys_by_name on rollup_keys (
  coalesce(key::jsonb ->> 'view', '0'),
  coalesce(key::jsonb ->> 'user', key::jsonb ->> 'model', key::jsonb ->> 'orchestrator', key::jsonb ->> 'tenant'));
create index rollups_by_key on rollups (key, level, start) where level in (8, 11, 14, 17, 102);

-- A host of the version before, while hosts are replaced one by one, adds late records to days and not to weeks. It does not count its
-- changes here: weeks are made again behind it.
alter table rollup_state add column changes bigint not null default 0;
create function make_weeks_again() returns trigger language plpgsql as $$
begin
  if new.changes = old.changes and old.weeks_before > -62135596800000 then
    new.weeks_before := -62135596800000;
    delete from rollups where level > 100;
  end if;
  return new;
end
$$;
create trigger make_weeks_again before update of folded on rollup_state for each row execute function make_weeks_again();
