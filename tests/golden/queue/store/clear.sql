WITH jobs AS MATERIALIZED (
  SELECT lease, k1, k2, n FROM unnest($1::uuid[], $2::character varying(20)[], $3::integer[]) WITH ORDINALITY AS j(lease, k1, k2, n)),
fenced AS MATERIALIZED (
  SELECT j.n, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND 'public.notes_embedding_store'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.store FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)), store_types AS (
  SELECT FROM public.notes_embedding_store s
  WHERE embedd.exactly(s."slug", NULL::character varying(20)) AND embedd.exactly(s."part", NULL::integer) AND embedd.exactly(s.chunk, NULL::pg_catalog.text) AND embedd.exactly(s.embedding, NULL::public.vector)),
seen AS MATERIALIZED (
  SELECT f.*, s.there, s.filled FROM fenced f
  LEFT JOIN LATERAL (
    SELECT true AS there, (CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) IS NOT NULL AS filled FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2 OFFSET 0) s ON true),
cleared AS MATERIALIZED (
  SELECT f.n, f.at, f.k1, f.k2 FROM seen f WHERE f.there IS NULL
  UNION ALL
  SELECT f.n, f.at, f.k1, f.k2 FROM seen f CROSS JOIN LATERAL (
    SELECT FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2 AND (CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) IS NULL FOR NO KEY UPDATE SKIP LOCKED) t),
emptied AS (DELETE FROM public.notes_embedding_store s USING cleared c WHERE s."slug" OPERATOR(pg_catalog.=) c.k1 AND s."part" OPERATOR(pg_catalog.=) c.k2),
displaced AS (DELETE FROM embedd.placed_7 o USING cleared c WHERE o.k1 OPERATOR(pg_catalog.=) c.k1 AND o.k2 OPERATOR(pg_catalog.=) c.k2),
unstaged AS (DELETE FROM embedd.staged_7 g USING cleared c WHERE g.k1 OPERATOR(pg_catalog.=) c.k1 AND g.k2 OPERATOR(pg_catalog.=) c.k2 RETURNING g.hash),
unasked AS (
  DELETE FROM embedd.chunks_7 x USING (SELECT DISTINCT hash FROM unstaged) d
  WHERE x.hash = d.hash AND NOT EXISTS (
    SELECT FROM embedd.staged_7 g WHERE g.hash = x.hash AND NOT EXISTS (SELECT FROM cleared c WHERE g.k1 OPERATOR(pg_catalog.=) c.k1 AND g.k2 OPERATOR(pg_catalog.=) c.k2))),
unproven AS (
  DELETE FROM embedd.ledger_7 l WHERE l.ctid = ANY (ARRAY(
    SELECT (SELECT l.ctid FROM embedd.ledger_7 l WHERE l.k1 OPERATOR(pg_catalog.=) c.k1 AND l.k2 OPERATOR(pg_catalog.=) c.k2) FROM cleared c))),
deleted AS (DELETE FROM embedd.queue_7 q USING cleared c WHERE q.ctid = c.at AND c.n = c.n + 0),
left_over AS MATERIALIZED (
  SELECT f.* FROM seen f WHERE f.n NOT IN (SELECT n FROM cleared)),
given_back AS (
  UPDATE embedd.queue_7 q
  SET lease = CASE WHEN f.filled THEN q.lease END,
      run_at = CASE WHEN f.filled THEN q.run_at ELSE
        now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))) END,
      kept_hash = NULL, kept_at = CASE WHEN NOT f.filled THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM cleared) THEN 'd'
       WHEN j.n IN (SELECT n FROM left_over WHERE filled) THEN 's'
       WHEN j.n IN (SELECT n FROM left_over) THEN 'k' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
