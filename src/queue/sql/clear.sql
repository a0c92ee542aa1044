-- A row that is gone, or has nothing stored, needs no write.
WITH {>jobs},
{>fenced},
{types},
seen AS MATERIALIZED (
  SELECT f.*, s.there, s.filled, s.bare FROM fenced f
  LEFT JOIN LATERAL (
    SELECT true AS there, {text} IS NOT NULL AS filled, t.{destination} IS NULL AS bare
    FROM {source} t WHERE {t=f} OFFSET 0) s ON true),
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM seen f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM {source} t WHERE {t=f} AND {text} IS NULL FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE NOT f.bare),
wrote AS (
  UPDATE {source} t SET {destination} = NULL{unset_model} FROM free f WHERE t.ctid = f.row_at AND {t=f}
  RETURNING f.n, f.at, {keys:f}),
cleared AS MATERIALIZED (
  SELECT f.n, f.at, {keys:f} FROM seen f WHERE f.there IS NULL OR (f.bare AND NOT f.filled)
  UNION ALL SELECT * FROM wrote),
unproven AS (
  DELETE FROM {ledger} l WHERE l.ctid = ANY (ARRAY(
    SELECT (SELECT l.ctid FROM {ledger} l WHERE {l=c}) FROM cleared c))),
deleted AS (DELETE FROM {queue} q USING cleared c WHERE q.ctid = c.at AND c.n = c.n + 0),
left_over AS MATERIALIZED (
  SELECT f.* FROM seen f WHERE f.n NOT IN (SELECT n FROM cleared)),
given_back AS (
  UPDATE {queue} q
  SET lease = CASE WHEN f.filled THEN q.lease END,
      run_at = CASE WHEN f.filled THEN q.run_at ELSE
        now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))) END,
      kept = NULL, kept_hash = NULL, kept_at = CASE WHEN NOT f.filled THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM cleared) THEN 'd'
       WHEN j.n IN (SELECT n FROM left_over WHERE filled) THEN 's'
       WHEN j.n IN (SELECT n FROM left_over) THEN 'k' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
