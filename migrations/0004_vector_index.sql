-- Which vector index the destination column shall have once its backlog has drained, and those that the owner had
-- dropped for the time of a large one: {"name": "CREATE INDEX …"}.
ALTER TABLE embedd.vectorizers
  ADD COLUMN index_kind text NOT NULL DEFAULT 'none' CHECK (index_kind IN ('none', 'hnsw', 'halfvec', 'ivfflat')),
  ADD COLUMN deferred_indexes jsonb NOT NULL DEFAULT '{}';
