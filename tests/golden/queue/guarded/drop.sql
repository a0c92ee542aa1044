WITH jobs AS MATERIALIZED (
  SELECT lease, embedd.text_of(k1)::character varying(20) AS k1, k2, n FROM unnest($1::uuid[], $2::bytea[], $3::integer[]) WITH ORDINALITY AS j(lease, k1, k2, n)),
fenced AS MATERIALIZED (
  SELECT j.n, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND coalesce(v.destination_column, '') OPERATOR(pg_catalog.=) 'embedding' AND coalesce(v.model_id_column, '') OPERATOR(pg_catalog.=) 'model' AND coalesce(v.model_version_column, '') OPERATOR(pg_catalog.=) 'version' FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
proven AS MATERIALIZED (
  SELECT f.n, f.at, f.k1, f.k2 FROM fenced f
  WHERE (SELECT l.vector_hash IS NULL OR l.vector_hash = (SELECT pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.halfvec_send((t."embedding")::public.halfvec)), 'hex') COLLATE pg_catalog."C", 0) FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2)
         FROM embedd.ledger_7 l WHERE l.k1 OPERATOR(pg_catalog.=) f.k1 AND l.k2 OPERATOR(pg_catalog.=) f.k2)),
deleted AS (DELETE FROM embedd.queue_7 q USING proven f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM proven) THEN 'd' WHEN j.n IN (SELECT n FROM fenced) THEN 's' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
