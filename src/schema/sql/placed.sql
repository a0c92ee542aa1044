-- Which chunk stands where in the store, and a hash of the vector that was stored: what proves that another row may
-- have that vector.
CREATE TABLE {placed} ({typed_keys}, seq integer NOT NULL, hash uuid NOT NULL, vector_hash bigint NOT NULL,
  PRIMARY KEY ({keys}, seq))
