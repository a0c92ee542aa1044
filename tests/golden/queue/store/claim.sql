WITH types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)), store_types AS (
  SELECT FROM public.notes_embedding_store s
  WHERE embedd.exactly(s."slug", NULL::character varying(20)) AND embedd.exactly(s."part", NULL::integer) AND embedd.exactly(s.chunk, NULL::pg_catalog.text) AND embedd.exactly(s.embedding, NULL::public.vector)), live AS MATERIALIZED (
  SELECT q.k1, q.k2, q.priority, q.run_at, q.lease, q.attempt, q.kept_hash, q.changed_at, q.cut_hash, q.cut_characters, q.cut_chunks, q.cut_state, q.ctid AS at FROM embedd.queue_7 q
  WHERE (q.priority, q.run_at) <= (0::smallint, now()) AND (q.priority, q.run_at) >= (0::smallint, $5::timestamptz)
  ORDER BY q.priority, q.run_at LIMIT $3::bigint - $3::bigint / 8 FOR UPDATE SKIP LOCKED),
backfill AS MATERIALIZED (
  SELECT q.k1, q.k2, q.priority, q.run_at, q.lease, q.attempt, q.kept_hash, q.changed_at, q.cut_hash, q.cut_characters, q.cut_chunks, q.cut_state, q.ctid AS at FROM embedd.queue_7 q
  WHERE (q.priority, q.run_at) <= (1::smallint, now()) AND (q.priority, q.run_at) >= (1::smallint, $6::timestamptz)
  ORDER BY q.priority, q.run_at LIMIT $3::bigint - (SELECT count(*) FROM live) FOR UPDATE SKIP LOCKED),
due AS MATERIALIZED (
  SELECT *, row_number() OVER (ORDER BY priority, run_at) AS n
  FROM (SELECT * FROM live UNION ALL SELECT * FROM backfill) x WHERE CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND 'public.notes_embedding_store'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.store FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
texts AS (
  SELECT d.*, s.text, s.refusal, s.stored FROM due d
  LEFT JOIN LATERAL (
    SELECT (CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) AS text, NULL::text AS refusal, EXISTS (SELECT FROM public.notes_embedding_store s WHERE s."slug" OPERATOR(pg_catalog.=) t."slug" AND s."part" OPERATOR(pg_catalog.=) t."part")
AND NOT EXISTS (
  SELECT FROM embedd.placed_7 o WHERE o.k1 OPERATOR(pg_catalog.=) t."slug" AND o.k2 OPERATOR(pg_catalog.=) t."part" AND NOT EXISTS (SELECT FROM public.notes_embedding_store s WHERE s."slug" OPERATOR(pg_catalog.=) o.k1 AND s."part" OPERATOR(pg_catalog.=) o.k2 AND s.chunk_seq = o.seq)) AS stored
    FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) d.k1 AND t."part" OPERATOR(pg_catalog.=) d.k2 OFFSET 0) s ON true),
fit AS MATERIALIZED (
  SELECT * FROM (
    SELECT x.*, sum(coalesce(octet_length(text), 0)) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) AS bytes
    FROM texts x) summed
  WHERE (bytes <= $4::bigint OR n = 1) AND n = n + 0),
judged AS MATERIALIZED (
  SELECT f.k1, f.k2, f.at, f.n, f.priority, f.lease, f.attempt, f.changed_at, s.text, f.refusal, s.hash, s.not_utf8, f.cut_hash = s.hash AND f.cut_characters >= 0 AS begun, f.cut_characters, f.cut_chunks, f.cut_state,
         CASE WHEN f.refusal <> '' THEN 4
              WHEN s.text IS NULL THEN 0
              WHEN f.stored AND (
                SELECT l.text_hash = s.hash AND (l.vector_hash IS NULL OR l.vector_hash = (
                         SELECT (SELECT pg_catalog.hashtextextended(string_agg(pg_catalog.concat_ws(' ', pg_catalog.hashtextextended(s.chunk COLLATE pg_catalog."C", 0), pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((s.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0)), ' ' ORDER BY s.chunk_seq) COLLATE pg_catalog."C", 0)
 FROM public.notes_embedding_store s WHERE s."slug" OPERATOR(pg_catalog.=) t."slug" AND s."part" OPERATOR(pg_catalog.=) t."part") FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2))
                FROM embedd.ledger_7 l WHERE l.k1 OPERATOR(pg_catalog.=) f.k1 AND l.k2 OPERATOR(pg_catalog.=) f.k2) THEN 1
              WHEN f.kept_hash = s.hash THEN CASE WHEN EXISTS (SELECT FROM embedd.staged_7 g JOIN embedd.dead_letters d
  ON d.vectorizer_id = 8 AND d.key = pg_catalog.jsonb_build_object('hash', g.hash)
WHERE g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2) THEN 7
     WHEN EXISTS (SELECT FROM embedd.staged_7 g WHERE g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 AND NOT EXISTS (SELECT x.embedding, x.model_id, x.model_version FROM embedd.chunks_7 x WHERE x.hash = g.hash AND x.embedding IS NOT NULL UNION ALL SELECT s.embedding, s.model_id, s.model_version FROM embedd.placed_7 p JOIN public.notes_embedding_store s ON s."slug" OPERATOR(pg_catalog.=) p.k1 AND s."part" OPERATOR(pg_catalog.=) p.k2 AND s.chunk_seq = p.seq WHERE p.hash = g.hash AND p.vector_hash = pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((s.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0) LIMIT 1)
                    AND NOT EXISTS (SELECT FROM embedd.chunks_7 x WHERE x.hash = g.hash)) THEN 3
     WHEN EXISTS (SELECT FROM embedd.staged_7 g WHERE g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 AND NOT EXISTS (SELECT x.embedding, x.model_id, x.model_version FROM embedd.chunks_7 x WHERE x.hash = g.hash AND x.embedding IS NOT NULL UNION ALL SELECT s.embedding, s.model_id, s.model_version FROM embedd.placed_7 p JOIN public.notes_embedding_store s ON s."slug" OPERATOR(pg_catalog.=) p.k1 AND s."part" OPERATOR(pg_catalog.=) p.k2 AND s.chunk_seq = p.seq WHERE p.hash = g.hash AND p.vector_hash = pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((s.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0) LIMIT 1)) THEN 6
     ELSE 2 END
              WHEN s.not_utf8 IS NULL THEN 3 ELSE 5 END AS task
  FROM fit f
  LEFT JOIN LATERAL (
    SELECT r.text, pg_catalog.hashtextextended(r.text COLLATE pg_catalog."C", 0) AS hash, NULL::text AS not_utf8
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
RETURNING f.n, f.attempt, f.task, CASE f.task WHEN 3 THEN pg_catalog.substr(f.text, 1 + (CASE WHEN f.begun THEN f.cut_characters ELSE 0 END)::integer, 262144) WHEN 4 THEN f.refusal WHEN 5 THEN f.not_utf8 WHEN 7 THEN (SELECT pg_catalog.format('chunk %s: %s', g.seq + 1, d.message) FROM embedd.staged_7 g JOIN embedd.dead_letters d
  ON d.vectorizer_id = 8 AND d.key = pg_catalog.jsonb_build_object('hash', g.hash)
WHERE g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 ORDER BY g.seq LIMIT 1) END, f.hash,
  f.lease IS NOT NULL,
  CASE f.priority WHEN 0 THEN (extract(epoch FROM clock_timestamp() - f.changed_at) * 1000000)::bigint END,
  (SELECT count(*) FROM due),
  (SELECT count(*) FROM live) >= $3::bigint - $3::bigint / 8 OR (SELECT count(*) FROM due) >= $3::bigint,
  (SELECT live FROM reached), (SELECT backfill FROM reached), EXISTS (SELECT FROM embedd.wasted WHERE vectorizer_id = 7),
  CASE WHEN f.begun THEN f.cut_characters ELSE 0 END, CASE WHEN f.begun THEN f.cut_chunks ELSE 0 END::bigint,
CASE WHEN f.begun THEN f.cut_state END, pg_catalog.char_length(f.text) - CASE WHEN f.begun THEN f.cut_characters ELSE 0 END <= 262144,
pg_catalog.octet_length(f.text)::bigint,
  f.k1, f.k2
