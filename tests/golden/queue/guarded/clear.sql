WITH jobs AS MATERIALIZED (
  SELECT lease, embedd.text_of(k1)::character varying(20) AS k1, k2, n FROM unnest($1::uuid[], $2::bytea[], $3::integer[]) WITH ORDINALITY AS j(lease, k1, k2, n)),
fenced AS MATERIALIZED (
  SELECT j.n, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND coalesce(v.destination_column, '') OPERATOR(pg_catalog.=) 'embedding' AND coalesce(v.model_id_column, '') OPERATOR(pg_catalog.=) 'model' AND coalesce(v.model_version_column, '') OPERATOR(pg_catalog.=) 'version' FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)),
seen AS MATERIALIZED (
  SELECT f.*, s.there, s.filled, s.bare FROM fenced f
  LEFT JOIN LATERAL (
    SELECT true AS there, (CASE WHEN embedd.refusal('embedd.covers_7(t.kind)', t.*) IS NULL THEN (t.title || t.body) END) IS NOT NULL AS filled, t."embedding" IS NULL AS bare
    FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2 OFFSET 0) s ON true),
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM seen f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2 AND (CASE WHEN embedd.refusal('embedd.covers_7(t.kind)', t.*) IS NULL THEN (t.title || t.body) END) IS NULL FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE NOT f.bare),
wrote AS (
  UPDATE public.notes t SET "embedding" = NULL, "model" = NULL, "version" = NULL FROM free f WHERE t.ctid = f.row_at AND t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2
  RETURNING f.n, f.at, f.k1, f.k2),
cleared AS MATERIALIZED (
  SELECT f.n, f.at, f.k1, f.k2 FROM seen f WHERE f.there IS NULL OR (f.bare AND NOT f.filled)
  UNION ALL SELECT * FROM wrote),
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
      kept = NULL, kept_hash = NULL, kept_at = CASE WHEN NOT f.filled THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM cleared) THEN 'd'
       WHEN j.n IN (SELECT n FROM left_over WHERE filled) THEN 's'
       WHEN j.n IN (SELECT n FROM left_over) THEN 'k' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
