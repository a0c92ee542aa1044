WITH types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)), live AS MATERIALIZED (
  SELECT q.k1, q.k2, q.priority, q.run_at, q.lease, q.attempt, q.kept_hash, q.changed_at, q.ctid AS at FROM embedd.queue_7 q
  WHERE (q.priority, q.run_at) <= (0::smallint, now()) AND (q.priority, q.run_at) >= (0::smallint, $5::timestamptz)
  ORDER BY q.priority, q.run_at LIMIT $3::bigint - $3::bigint / 8 FOR UPDATE SKIP LOCKED),
backfill AS MATERIALIZED (
  SELECT q.k1, q.k2, q.priority, q.run_at, q.lease, q.attempt, q.kept_hash, q.changed_at, q.ctid AS at FROM embedd.queue_7 q
  WHERE (q.priority, q.run_at) <= (1::smallint, now()) AND (q.priority, q.run_at) >= (1::smallint, $6::timestamptz)
  ORDER BY q.priority, q.run_at LIMIT $3::bigint - (SELECT count(*) FROM live) FOR UPDATE SKIP LOCKED),
due AS MATERIALIZED (
  SELECT *, row_number() OVER (ORDER BY priority, run_at) AS n
  FROM (SELECT * FROM live UNION ALL SELECT * FROM backfill) x WHERE CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND coalesce(v.destination_column, '') OPERATOR(pg_catalog.=) 'embedding' AND coalesce(v.model_id_column, '') OPERATOR(pg_catalog.=) 'model' AND coalesce(v.model_version_column, '') OPERATOR(pg_catalog.=) 'version' FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
texts AS (
  SELECT d.*, s.text, s.refusal, s.stored FROM due d
  LEFT JOIN LATERAL (
    SELECT (CASE WHEN embedd.refusal('embedd.covers_7(t.kind)', t.*) IS NULL THEN (t.title || t.body) END) AS text, embedd.refusal('embedd.covers_7(t.kind)', t.*) AS refusal, t."embedding" IS NOT NULL AS stored
    FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) d.k1 AND t."part" OPERATOR(pg_catalog.=) d.k2 OFFSET 0) s ON true),
fit AS MATERIALIZED (
  SELECT * FROM (
    SELECT x.*, sum(coalesce(octet_length(text), 0)) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) AS bytes
    FROM texts x) summed
  WHERE (bytes <= $4::bigint OR n = 1) AND n = n + 0),
judged AS MATERIALIZED (
  SELECT f.k1, f.k2, f.at, f.n, f.priority, f.lease, f.attempt, f.changed_at, s.text, f.refusal, s.hash, s.not_utf8,
         CASE WHEN f.refusal <> '' THEN 4
              WHEN s.text IS NULL THEN 0
              WHEN f.stored AND (
                SELECT l.text_hash = s.hash AND (l.vector_hash IS NULL OR l.vector_hash = (
                         SELECT pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.halfvec_send((t."embedding")::public.halfvec)), 'hex') COLLATE pg_catalog."C", 0) FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2))
                FROM embedd.ledger_7 l WHERE l.k1 OPERATOR(pg_catalog.=) f.k1 AND l.k2 OPERATOR(pg_catalog.=) f.k2) THEN 1
              WHEN f.kept_hash = s.hash THEN 2
              WHEN s.not_utf8 IS NULL THEN 3 ELSE 5 END AS task
  FROM fit f
  LEFT JOIN LATERAL (
    SELECT r.text, pg_catalog.hashtextextended(r.text COLLATE pg_catalog."C", 0) AS hash, embedd.utf8_problem(r.text) AS not_utf8
    FROM (SELECT f.text OPERATOR(pg_catalog.||) '' AS text OFFSET 0) r OFFSET 0) s ON true),
left_over AS MATERIALIZED (SELECT d.priority, d.run_at FROM due d WHERE d.n > (SELECT count(*) FROM fit)),
reached AS MATERIALIZED (
  SELECT least(now() - interval '2 s',
               CASE WHEN (SELECT count(*) FROM live) >= $3::bigint - $3::bigint / 8
                    THEN (SELECT max(run_at) FROM live) END,
               (SELECT min(run_at) FROM left_over WHERE priority = 0)) AS live,
         least(now() - interval '2 s',
               CASE WHEN (SELECT count(*) FROM due) >= $3::bigint
                    THEN coalesce((SELECT max(run_at) FROM backfill), $6::timestamptz) END,
               (SELECT min(run_at) FROM left_over WHERE priority = 1)) AS backfill)
UPDATE embedd.queue_7 q SET lease = $1::uuid, run_at = now() + pg_catalog.make_interval(secs => $2::float8)
FROM judged f WHERE q.ctid = f.at
RETURNING f.n, f.attempt, f.task, CASE f.task WHEN 3 THEN f.text WHEN 4 THEN f.refusal WHEN 5 THEN f.not_utf8 END, f.hash,
  f.lease IS NOT NULL,
  CASE f.priority WHEN 0 THEN (extract(epoch FROM clock_timestamp() - f.changed_at) * 1000000)::bigint END,
  (SELECT count(*) FROM due),
  (SELECT count(*) FROM live) >= $3::bigint - $3::bigint / 8 OR (SELECT count(*) FROM due) >= $3::bigint,
  (SELECT live FROM reached), (SELECT backfill FROM reached), EXISTS (SELECT FROM embedd.wasted WHERE vectorizer_id = 7),
  NULL::bigint, NULL::bigint, NULL::bytea, NULL::boolean, NULL::bigint,
  pg_catalog.convert_to(f.k1, pg_catalog.getdatabaseencoding()), f.k2
