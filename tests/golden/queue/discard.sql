WITH jobs AS MATERIALIZED (
  SELECT lease, k1, k2, hash, n FROM unnest($1::uuid[], $2::character varying(20)[], $3::integer[], $4::bigint[]) WITH ORDINALITY AS j(lease, k1, k2, hash, n)),
fenced AS MATERIALIZED (
  SELECT j.n, hash, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND coalesce(v.destination_column, '') OPERATOR(pg_catalog.=) 'embedding' AND coalesce(v.model_id_column, '') OPERATOR(pg_catalog.=) 'model' AND coalesce(v.model_version_column, '') OPERATOR(pg_catalog.=) 'version' FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)),
seen AS MATERIALIZED (
  SELECT f.*, coalesce(s.stored, false) AND $7::text::boolean AS loses_vector, coalesce(s.hash, 0) = f.hash AS same
  FROM fenced f
  LEFT JOIN LATERAL (
    SELECT t."embedding" IS NOT NULL AS stored, pg_catalog.hashtextextended((CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) COLLATE pg_catalog."C", 0) AS hash FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2 OFFSET 0) s ON true),
stale AS MATERIALIZED (SELECT * FROM seen WHERE NOT same),
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM seen f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM public.notes t
    WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2 AND coalesce(pg_catalog.hashtextextended((CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) COLLATE pg_catalog."C", 0), 0) = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.same AND f.loses_vector),
wrote AS (
  UPDATE public.notes t SET "embedding" = NULL, "model" = NULL, "version" = NULL FROM free f WHERE t.ctid = f.row_at AND t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2
  RETURNING f.n, f.k1, f.k2),
unproven AS (
  DELETE FROM embedd.ledger_7 l WHERE l.ctid = ANY (ARRAY(
    SELECT (SELECT l.ctid FROM embedd.ledger_7 l WHERE l.k1 OPERATOR(pg_catalog.=) w.k1 AND l.k2 OPERATOR(pg_catalog.=) w.k2) FROM wrote w))),
buried AS MATERIALIZED (
  SELECT f.* FROM seen f WHERE f.same AND (NOT f.loses_vector OR f.n IN (SELECT n FROM wrote))),
recorded AS (
  INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message, attempts, text_hash)
  SELECT 7, pg_catalog.jsonb_build_object('slug', q.k1, 'part', q.k2), $5::text, $6::text, q.attempt + 1, q.hash FROM buried q
  ON CONFLICT (vectorizer_id, key) DO UPDATE
  SET kind = excluded.kind, message = excluded.message, attempts = excluded.attempts, text_hash = excluded.text_hash,
      failed_at = now()),
deleted AS (DELETE FROM embedd.queue_7 q USING buried f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM buried) THEN 'd' WHEN j.n IN (SELECT n FROM stale) THEN 's'
       WHEN j.n IN (SELECT n FROM fenced) THEN 'b' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
