-- The chunks of rows that were cut, until all of them have vectors. Negative numbers are chunks of a former text (stage.sql).
CREATE TABLE {staged} ({typed_keys}, seq integer NOT NULL, hash uuid NOT NULL, chunk text NOT NULL, PRIMARY KEY ({keys}, seq))
