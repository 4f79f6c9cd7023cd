-- Small documents that all hosts share, such as the API keys: each is replaced as a whole.
create table shared (
  name text collate "C" primary key,
  version bigint not null,
  body bytea not null
);
