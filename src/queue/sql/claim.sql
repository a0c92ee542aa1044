-- Live changes come first. One row in eight is reserved for the backfill, so that neither starves the other.
-- The row comparisons bound the scan of the index (priority, run_at) at both ends. Unlike `priority = 0`, they make
-- the planner expect many rows, so that it never sorts a long queue instead. The next claim may begin where this claim
-- has read all jobs that were due, less a margin, in which jobs of transactions that are still open can appear.
-- The text is computed once per row: OFFSET 0 keeps the planner from copying the expression. The ledger is looked up by
-- key: a subselect cannot become a join. The `||` fetches and decompresses a long text once, and only if the text is
-- among those that fit: its size is known before.
WITH {types}, live AS MATERIALIZED (
  SELECT {keys:q}, q.priority, q.run_at, q.lease, q.attempt, q.kept_hash, q.changed_at{cut:q}, q.ctid AS at FROM {queue} q
  WHERE (q.priority, q.run_at) <= (0::smallint, now()) AND (q.priority, q.run_at) >= (0::smallint, $5::timestamptz)
  ORDER BY q.priority, q.run_at LIMIT $3::bigint - $3::bigint / 8 FOR UPDATE SKIP LOCKED),
backfill AS MATERIALIZED (
  SELECT {keys:q}, q.priority, q.run_at, q.lease, q.attempt, q.kept_hash, q.changed_at{cut:q}, q.ctid AS at FROM {queue} q
  WHERE (q.priority, q.run_at) <= (1::smallint, now()) AND (q.priority, q.run_at) >= (1::smallint, $6::timestamptz)
  ORDER BY q.priority, q.run_at LIMIT $3::bigint - (SELECT count(*) FROM live) FOR UPDATE SKIP LOCKED),
due AS MATERIALIZED (
  SELECT *, row_number() OVER (ORDER BY priority, run_at) AS n
  FROM (SELECT * FROM live UNION ALL SELECT * FROM backfill) x WHERE {here}),
texts AS (
  SELECT d.*, s.text, s.refusal, s.stored FROM due d
  LEFT JOIN LATERAL (
    SELECT {text} AS text, {refusal} AS refusal, {has_vector} AS stored
    FROM {source} t WHERE {t=d} OFFSET 0) s ON true),
fit AS MATERIALIZED (
  SELECT * FROM (
    SELECT x.*, sum(coalesce(octet_length(text), 0)) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) AS bytes
    FROM texts x) summed
  WHERE (bytes <= $4::bigint OR n = 1) AND n = n + 0),
judged AS MATERIALIZED (
  SELECT {keys:f}, f.at, f.n, f.priority, f.lease, f.attempt, f.changed_at, s.text, f.refusal, s.hash, s.not_utf8{cut:f},
         CASE WHEN f.refusal <> '' THEN 4
              WHEN s.text IS NULL THEN 0
              WHEN f.stored AND (
                SELECT l.text_hash = s.hash AND (l.vector_hash IS NULL OR l.vector_hash = (
                         SELECT {vector_hash} FROM {source} t WHERE {t=f}))
                FROM {ledger} l WHERE {l=f}) THEN 1
              WHEN f.kept_hash = s.hash THEN {kept_task}
              WHEN s.not_utf8 IS NULL THEN 3 ELSE 5 END AS task
  FROM fit f
  LEFT JOIN LATERAL (
    SELECT r.text, pg_catalog.hashtextextended(r.text COLLATE pg_catalog."C", 0) AS hash, {not_utf8} AS not_utf8
    FROM (SELECT f.text OPERATOR(pg_catalog.||) '' AS text OFFSET 0) r OFFSET 0) s ON true),
left_over AS MATERIALIZED (SELECT d.priority, d.run_at FROM due d WHERE d.n > (SELECT count(*) FROM fit)),
reached AS MATERIALIZED (
  SELECT least(now() - {margin},
               CASE WHEN (SELECT count(*) FROM live) >= $3::bigint - $3::bigint / 8
                    THEN (SELECT max(run_at) FROM live) END,
               (SELECT min(run_at) FROM left_over WHERE priority = 0)) AS live,
         least(now() - {margin},
               CASE WHEN (SELECT count(*) FROM due) >= $3::bigint
                    THEN coalesce((SELECT max(run_at) FROM backfill), $6::timestamptz) END,
               (SELECT min(run_at) FROM left_over WHERE priority = 1)) AS backfill)
UPDATE {queue} q SET lease = $1::uuid, run_at = now() + pg_catalog.make_interval(secs => $2::float8)
FROM judged f WHERE q.ctid = f.at
RETURNING f.n, f.attempt, f.task, CASE f.task WHEN 3 THEN {claimed} WHEN 4 THEN f.refusal WHEN 5 THEN f.not_utf8 {dead_chunk}END, f.hash,
  f.lease IS NOT NULL,
  CASE f.priority WHEN 0 THEN (extract(epoch FROM clock_timestamp() - f.changed_at) * 1000000)::bigint END,
  (SELECT count(*) FROM due),
  (SELECT count(*) FROM live) >= $3::bigint - $3::bigint / 8 OR (SELECT count(*) FROM due) >= $3::bigint,
  (SELECT live FROM reached), (SELECT backfill FROM reached), EXISTS (SELECT FROM embedd.wasted WHERE vectorizer_id = {id}),
  {cut_from},
  {out:f}
