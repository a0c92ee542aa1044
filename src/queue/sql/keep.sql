-- For a table that is locked for long, by a migration, say: the paid vectors wait with their jobs, so that they take no
-- memory of the worker and are not lost when it ends.
WITH {>jobs},
{>fenced},
given_back AS (
  UPDATE {queue} q
  SET lease = NULL,
      run_at = now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))),
      kept = CASE WHEN f.slot >= 0 THEN ({$3}::{vector}[])[f.slot + 1] ELSE q.kept END,
      kept_hash = CASE WHEN f.slot >= 0 THEN f.hash ELSE q.kept_hash END,
      kept_at = coalesce(f.kept_at, now())
  FROM fenced f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'k' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
