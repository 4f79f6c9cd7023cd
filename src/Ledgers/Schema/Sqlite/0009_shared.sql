-- Small documents that all hosts share, such as the API keys: each is replaced as a whole.
CREATE TABLE shared (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
