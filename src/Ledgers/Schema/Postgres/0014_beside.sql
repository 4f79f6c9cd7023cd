-- What rates a usage anew, corrects, voids or credits it, by that usage: few rows, so that booking a usage writes nothing here. The bytes are `"corrects":`.
create function corrected_by(record bytea) returns text language sql immutable strict as
  $$ select convert_from(record, 'UTF8')::json ->> 'corrects' $$;

create index usage_beside on usage (account, corrected_by(record)) where position('\x22636f727265637473223a'::bytea in record) > 0;
