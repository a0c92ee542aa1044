{source_types}, store_types AS (
  SELECT FROM {store} s
  WHERE {key_types:s} AND embedd.exactly(s.chunk, NULL::pg_catalog.text) AND embedd.exactly(s.embedding, NULL::{stored}))
