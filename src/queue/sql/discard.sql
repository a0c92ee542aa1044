-- The verdict is about the text of the claim: a row that has another text by now is due again. If the caller says so,
-- the vector of the row's former text is removed too, because searches must not find a dead letter by its former text.
-- A row that a user has locked is tried again. A text that is NULL has the hash 0.
WITH {>jobs},
{>fenced},
{types},
seen AS MATERIALIZED (
  SELECT f.*, coalesce(s.stored, false) AND {$4}::text::boolean AS loses_vector, coalesce(s.hash, 0) = f.hash AS same
  FROM fenced f
  LEFT JOIN LATERAL (
    SELECT t.{destination} IS NOT NULL AS stored, {hash} AS hash FROM {source} t WHERE {t=f} OFFSET 0) s ON true),
stale AS MATERIALIZED (SELECT * FROM seen WHERE NOT same),
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM seen f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM {source} t
    WHERE {t=f} AND coalesce({hash}, 0) = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.same AND f.loses_vector),
wrote AS (
  UPDATE {source} t SET {destination} = NULL{unset_model} FROM free f WHERE t.ctid = f.row_at AND {t=f}
  RETURNING f.n, {keys:f}),
unproven AS (
  DELETE FROM {ledger} l WHERE l.ctid = ANY (ARRAY(
    SELECT (SELECT l.ctid FROM {ledger} l WHERE {l=w}) FROM wrote w))),
buried AS MATERIALIZED (
  SELECT f.* FROM seen f WHERE f.same AND (NOT f.loses_vector OR f.n IN (SELECT n FROM wrote))),
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
