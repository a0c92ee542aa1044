-- Discard for a store. Deletes the row's former chunks and its staged chunks. If the table refuses the chunks, all
-- chunks stay, because they are paid for.
WITH {>jobs},
{>fenced},
{types},
seen AS MATERIALIZED (
  SELECT f.*, {$4}::text::boolean AS loses_vector, coalesce(s.hash, 0) = f.hash AS same
  FROM fenced f LEFT JOIN LATERAL (SELECT {hash} AS hash FROM {source} t WHERE {t=f} OFFSET 0) s ON true),
stale AS MATERIALIZED (SELECT * FROM seen WHERE NOT same),
free AS MATERIALIZED (
  SELECT f.n FROM seen f CROSS JOIN LATERAL (
    SELECT FROM {source} t WHERE {t=f} AND coalesce({hash}, 0) = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.same AND f.loses_vector),
buried AS MATERIALIZED (
  SELECT f.* FROM seen f WHERE f.same AND (NOT f.loses_vector OR f.n IN (SELECT n FROM free))),
emptied AS (DELETE FROM {store} s USING buried b WHERE {s=b} AND b.loses_vector),
displaced AS (DELETE FROM {placed} o USING buried b WHERE {o=b} AND b.loses_vector),
unproven AS (
  DELETE FROM {ledger} l WHERE l.ctid = ANY (ARRAY(
    SELECT (SELECT l.ctid FROM {ledger} l WHERE {l=b}) FROM buried b WHERE b.loses_vector))),
unstaged AS (DELETE FROM {staged} g USING buried b WHERE {g=b} AND b.loses_vector RETURNING g.hash),
unasked AS (
  DELETE FROM {chunks} x USING (SELECT DISTINCT hash FROM unstaged) d
  WHERE x.hash = d.hash AND NOT EXISTS (
    SELECT FROM {staged} g WHERE g.hash = x.hash AND NOT EXISTS (SELECT FROM buried b WHERE {g=b}))),
recorded AS (
  INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message, attempts, text_hash)
  SELECT {id}, {key_json}, {$2}::text, {$3}::text, q.attempt + 1, q.hash FROM buried q
  ON CONFLICT (vectorizer_id, key) DO UPDATE
  SET kind = excluded.kind, message = excluded.message, attempts = excluded.attempts, text_hash = excluded.text_hash,
      failed_at = now()),
deleted AS (DELETE FROM {queue} q USING buried f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM buried) THEN 'd' WHEN j.n IN (SELECT n FROM stale) THEN 's'
       WHEN j.n IN (SELECT n FROM fenced) THEN 'b' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
