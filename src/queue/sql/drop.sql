-- A text that changes takes the lease away; a vector that is replaced does not, so it is compared again.
WITH {>jobs},
{>fenced},
proven AS MATERIALIZED (
  SELECT f.n, f.at, {keys:f} FROM fenced f
  WHERE (SELECT l.vector_hash IS NULL OR l.vector_hash = (SELECT {vector_hash} FROM {source} t WHERE {t=f})
         FROM {ledger} l WHERE {l=f})),
{forget_staged}deleted AS (DELETE FROM {queue} q USING proven f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM proven) THEN 'd' WHEN j.n IN (SELECT n FROM fenced) THEN 's' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
