WITH jobs AS MATERIALIZED (
  SELECT lease, k1, k2, n FROM unnest($1::uuid[], $2::character varying(20)[], $3::integer[]) WITH ORDINALITY AS j(lease, k1, k2, n)),
fenced AS MATERIALIZED (
  SELECT j.n, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND 'public.notes_embedding_store'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.store FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
proven AS MATERIALIZED (
  SELECT f.n, f.at, f.k1, f.k2 FROM fenced f
  WHERE (SELECT l.vector_hash IS NULL OR l.vector_hash = (SELECT (SELECT pg_catalog.hashtextextended(string_agg(pg_catalog.concat_ws(' ', pg_catalog.hashtextextended(s.chunk COLLATE pg_catalog."C", 0), pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((s.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0)), ' ' ORDER BY s.chunk_seq) COLLATE pg_catalog."C", 0)
 FROM public.notes_embedding_store s WHERE s."slug" OPERATOR(pg_catalog.=) t."slug" AND s."part" OPERATOR(pg_catalog.=) t."part") FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2)
         FROM embedd.ledger_7 l WHERE l.k1 OPERATOR(pg_catalog.=) f.k1 AND l.k2 OPERATOR(pg_catalog.=) f.k2)),
unstaged AS (DELETE FROM embedd.staged_7 g USING proven f WHERE g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 RETURNING g.hash),
unasked AS (
  DELETE FROM embedd.chunks_7 x USING (SELECT DISTINCT hash FROM unstaged) d
  WHERE x.hash = d.hash AND NOT EXISTS (
    SELECT FROM embedd.staged_7 g WHERE g.hash = x.hash AND NOT EXISTS (SELECT FROM proven f WHERE g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2))),
deleted AS (DELETE FROM embedd.queue_7 q USING proven f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM proven) THEN 'd' WHEN j.n IN (SELECT n FROM fenced) THEN 's' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
