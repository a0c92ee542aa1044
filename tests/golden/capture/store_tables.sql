CREATE TABLE embedd.queue_7 (k1 text COLLATE pg_catalog."C" NOT NULL, k2 integer NOT NULL, run_at timestamptz NOT NULL DEFAULT now(), attempt smallint NOT NULL DEFAULT 0,
  lease uuid, priority smallint NOT NULL DEFAULT 0, kept public.vector, kept_hash bigint, kept_at timestamptz,
  changed_at timestamptz NOT NULL DEFAULT now(), cut_hash bigint, cut_characters bigint NOT NULL DEFAULT 0, cut_chunks integer NOT NULL DEFAULT 0, cut_state bytea, PRIMARY KEY (k1, k2))
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.1, autovacuum_analyze_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_cost_delay = 0);

CREATE INDEX ON embedd.queue_7 (priority, run_at);

CREATE TABLE embedd.ledger_7 (k1 text COLLATE pg_catalog."C" NOT NULL, k2 integer NOT NULL, text_hash bigint NOT NULL, vector_hash bigint, repairs smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (k1, k2)) WITH (fillfactor = 90);

CREATE TABLE public.notes_embedding_store (embedding_uuid uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, "slug" text COLLATE pg_catalog."C" NOT NULL, "Part" integer NOT NULL,
  chunk_seq integer NOT NULL, chunk text NOT NULL, embedding public.vector(1536) NOT NULL, model_id text NOT NULL,
  model_version text NOT NULL, UNIQUE ("slug", "Part", chunk_seq));

CREATE TABLE embedd.chunks_7 (hash uuid PRIMARY KEY, sent text NOT NULL, embedding public.vector(1536), model_id text, model_version text);

CREATE TABLE embedd.staged_7 (k1 text COLLATE pg_catalog."C" NOT NULL, k2 integer NOT NULL, seq integer NOT NULL, hash uuid NOT NULL, chunk text NOT NULL, PRIMARY KEY (k1, k2, seq));

CREATE INDEX ON embedd.staged_7 (hash);

CREATE TABLE embedd.placed_7 (k1 text COLLATE pg_catalog."C" NOT NULL, k2 integer NOT NULL, seq integer NOT NULL, hash uuid NOT NULL, vector_hash bigint NOT NULL,
  PRIMARY KEY (k1, k2, seq));

CREATE INDEX ON embedd.placed_7 (hash);
