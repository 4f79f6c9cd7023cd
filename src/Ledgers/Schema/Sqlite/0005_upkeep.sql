-- What is erased keeps its row for the identity of the record, so that a retry books nothing again.
ALTER TABLE usage ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;

-- Records booked before this are gone, or may go.
ALTER TABLE rollup_state ADD COLUMN kept_since INTEGER;

-- The journal entries with something for the audit trail. `erases`: one asks for an erasure that was not carried out yet.
CREATE TABLE audit (
  account INTEGER NOT NULL,
  version INTEGER NOT NULL,
  erases INTEGER NOT NULL,
  PRIMARY KEY (account, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_erasures ON audit (account, version) WHERE erases;

INSERT INTO audit (account, version, erases)
SELECT account, version, 0 FROM journal
WHERE instr(events, CAST('"e":"policyChanged"' AS BLOB)) OR instr(events, CAST('"e":"paused"' AS BLOB)) OR instr(events, CAST('"e":"resumed"' AS BLOB))
  OR instr(events, CAST('"e":"overrideAdded"' AS BLOB)) OR instr(events, CAST('"e":"overrideRemoved"' AS BLOB));
