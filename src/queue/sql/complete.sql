-- Writes a row only while its text is the one that was embedded. Passes over a row that a user has locked: its vector
-- stays with the job. If a trigger of the user's swallows the update, RETURNING does not report the row. Such a row is
-- treated like a locked row, so that its vector is not bought again and again.
WITH {>jobs},
{>fenced},
{types},
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM fenced f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM {source} t WHERE {t=f} AND {hash} = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.slot >= 0 OR (f.kept_hash = f.hash AND f.kept IS NOT NULL)),
wrote AS (
  UPDATE {source} t
  SET {destination} = (CASE WHEN f.slot >= 0 THEN ({$3}::{vector}[])[f.slot + 1] ELSE f.kept END)::{stored}{set_model}
  FROM free f WHERE t.ctid = f.row_at AND {t=f}
  RETURNING f.n, f.hash, f.at, {vector_hash} AS vector_hash, {keys:f}),
proven AS (
  INSERT INTO {ledger} AS l ({keys}, text_hash, vector_hash)
  SELECT {keys:w}, w.hash, w.vector_hash FROM wrote w
  ON CONFLICT ({keys}) DO UPDATE
  SET text_hash = excluded.text_hash, vector_hash = excluded.vector_hash,
      repairs = CASE WHEN l.text_hash = excluded.text_hash THEN l.repairs ELSE 0 END),
deleted AS (
  DELETE FROM {queue} q USING wrote w WHERE q.ctid = w.at),
left_over AS MATERIALIZED (
  SELECT f.*, (f.slot >= 0 OR (f.kept_hash = f.hash AND f.kept IS NOT NULL))
              AND coalesce((SELECT {hash} = f.hash FROM {source} t WHERE {t=f}), false) AS locked
  FROM fenced f WHERE f.n NOT IN (SELECT n FROM wrote)),
given_back AS (
  UPDATE {queue} q
  SET lease = CASE WHEN f.locked THEN NULL ELSE q.lease END,
      run_at = CASE WHEN f.locked THEN
        now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))) ELSE q.run_at END,
      kept = CASE WHEN f.locked THEN CASE WHEN f.slot >= 0 THEN ({$3}::{vector}[])[f.slot + 1] ELSE f.kept END END,
      kept_hash = CASE WHEN f.locked THEN f.hash END,
      kept_at = CASE WHEN f.locked THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM wrote) THEN 'd'
       WHEN j.n IN (SELECT n FROM left_over WHERE locked) THEN 'k'
       WHEN j.n IN (SELECT n FROM left_over) THEN 's' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
