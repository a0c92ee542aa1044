WITH {>jobs},
{>fenced},
extended AS (
  UPDATE {queue} q SET run_at = now() + pg_catalog.make_interval(secs => {$1}::float8)
  FROM fenced f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'd' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
