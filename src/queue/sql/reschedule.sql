-- Purchases in vain are recorded in the same statement, so that no worker claims the job without knowing of them.
-- Earlier purchases count for less with time: $5 a second are forgotten.
WITH {>jobs},
{>fenced},
given_back AS (
  UPDATE {queue} q SET lease = NULL, run_at = now() + pg_catalog.make_interval(secs => {$3}::float8),
                       attempt = least(q.attempt + {$4}::bigint, 32000)
  FROM fenced f WHERE q.ctid = f.at),
wasted AS (
  INSERT INTO embedd.wasted AS w (vectorizer_id, row_hash, level)
  SELECT {id}, f.row_hash, sum(f.purchases) FROM fenced f WHERE f.purchases > 0 GROUP BY f.row_hash ORDER BY f.row_hash
  ON CONFLICT (vectorizer_id, row_hash) DO UPDATE
  SET level = excluded.level + greatest(0, w.level - {$5}::float8 * extract(epoch FROM now() - w.wasted_at)::float8),
      wasted_at = now())
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'd' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
