-- Proves, by hashes, that a stored vector is the vector of the row's text.
CREATE TABLE {ledger} ({typed_keys}, text_hash bigint NOT NULL, vector_hash bigint, repairs smallint NOT NULL DEFAULT 0,
  PRIMARY KEY ({keys})) WITH (fillfactor = 90)
