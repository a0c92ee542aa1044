-- Clear for a store: the row is gone, or its text is, so its chunks are deleted.
WITH {>jobs},
{>fenced},
{types},
seen AS MATERIALIZED (
  SELECT f.*, s.there, s.filled FROM fenced f
  LEFT JOIN LATERAL (
    SELECT true AS there, {text} IS NOT NULL AS filled FROM {source} t WHERE {t=f} OFFSET 0) s ON true),
cleared AS MATERIALIZED (
  SELECT f.n, f.at, {keys:f} FROM seen f WHERE f.there IS NULL
  UNION ALL
  SELECT f.n, f.at, {keys:f} FROM seen f CROSS JOIN LATERAL (
    SELECT FROM {source} t WHERE {t=f} AND {text} IS NULL FOR NO KEY UPDATE SKIP LOCKED) t),
emptied AS (DELETE FROM {store} s USING cleared c WHERE {s=c}),
displaced AS (DELETE FROM {placed} o USING cleared c WHERE {o=c}),
unstaged AS (DELETE FROM {staged} g USING cleared c WHERE {g=c} RETURNING g.hash),
unasked AS (
  DELETE FROM {chunks} x USING (SELECT DISTINCT hash FROM unstaged) d
  WHERE x.hash = d.hash AND NOT EXISTS (
    SELECT FROM {staged} g WHERE g.hash = x.hash AND NOT EXISTS (SELECT FROM cleared c WHERE {g=c}))),
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
      kept_hash = NULL, kept_at = CASE WHEN NOT f.filled THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM cleared) THEN 'd'
       WHEN j.n IN (SELECT n FROM left_over WHERE filled) THEN 's'
       WHEN j.n IN (SELECT n FROM left_over) THEN 'k' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
