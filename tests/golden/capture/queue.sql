CREATE TABLE embedd.queue_7 (k1 text COLLATE pg_catalog."C" NOT NULL, k2 integer NOT NULL, run_at timestamptz NOT NULL DEFAULT now(), attempt smallint NOT NULL DEFAULT 0,
  lease uuid, priority smallint NOT NULL DEFAULT 0, kept public.vector, kept_hash bigint, kept_at timestamptz,
  changed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (k1, k2))
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.1, autovacuum_analyze_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_cost_delay = 0);

CREATE INDEX ON embedd.queue_7 (priority, run_at);

CREATE TABLE embedd.ledger_7 (k1 text COLLATE pg_catalog."C" NOT NULL, k2 integer NOT NULL, text_hash bigint NOT NULL, vector_hash bigint, repairs smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (k1, k2)) WITH (fillfactor = 90);
