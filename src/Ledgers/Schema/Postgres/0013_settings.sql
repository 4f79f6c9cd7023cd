-- Settings in parts, so that a change costs its own size; what was changed in rows of its own. Versions before the newest go.
create table settings_parts (
  name text collate "C" primary key,
  body bytea not null
);

create table settings_notes (
  version bigint primary key,
  subject text not null,
  body bytea not null
);

delete from settings where version < (select max(version) from settings);

insert into settings_parts (name, body)
select part.key, convert_to(part.value::text, 'UTF8') from settings, json_each(convert_from(body, 'UTF8')::json) as part
where part.key not in ('prices', 'changes') and part.value::text <> 'null';

insert into settings_parts (name, body)
select 'price:' || (price.value ->> 'version'), convert_to(price.value::text, 'UTF8')
from settings, json_array_elements(convert_from(body, 'UTF8')::json -> 'prices') as price(value);

insert into settings_notes (version, subject, body)
select (note.value ->> 'version')::bigint, note.value ->> 'subject', convert_to(note.value::text, 'UTF8')
from settings, json_array_elements(convert_from(body, 'UTF8')::json -> 'changes') as note(value);

alter table settings drop column body;
