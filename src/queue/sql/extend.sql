extended AS (
  UPDATE {queue} q SET run_at = now() + pg_catalog.make_interval(secs => {$1}::float8)
  FROM fenced f WHERE q.ctid = f.at)
