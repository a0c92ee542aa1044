-- A vectorizer's queue. Every job is inserted, updated twice and deleted, so each page keeps free space, and vacuum comes
-- early and does not pause.
CREATE TABLE {queue} ({typed_keys}, run_at timestamptz NOT NULL DEFAULT now(), attempt smallint NOT NULL DEFAULT 0,
  lease uuid, priority smallint NOT NULL DEFAULT 0, kept {vector}, kept_hash bigint, kept_at timestamptz,
  changed_at timestamptz NOT NULL DEFAULT now(){cut_columns}, PRIMARY KEY ({keys}))
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.1, autovacuum_analyze_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_cost_delay = 0)
