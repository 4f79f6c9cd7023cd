-- Keys are spelt out with names of callers, and an entry of an index has room for 2,704 bytes: keys are unique by their digest, and found by it. What is
-- read in a range is how they begin: the account, which ends before the 240th character of any.
create function digest_of(key text) returns bytea language sql immutable strict parallel safe as $$ select sha256(convert_to(key, 'UTF8')) $$;

alter table rollup_keys drop constraint rollup_keys_key_key;
create unique index rollup_keys_by_digest on rollup_keys (digest_of(key));
create index rollup_keys_by_account on rollup_keys (left(key, 240));

alter table compacted_usage drop constraint compacted_usage_pkey;
create unique index compacted_usage_by_digest on compacted_usage (account, start, digest_of(key));
