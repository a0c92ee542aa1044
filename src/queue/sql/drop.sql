-- A change of the text takes the lease away. A replaced vector does not, so the vector is compared again here.
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
