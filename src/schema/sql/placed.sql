-- Where in the store each chunk is, and a hash of the vector that was stored: it proves that another row with the same
-- chunk may have that vector.
CREATE TABLE {placed} ({typed_keys}, seq integer NOT NULL, hash uuid NOT NULL, vector_hash bigint NOT NULL,
  PRIMARY KEY ({keys}, seq))
