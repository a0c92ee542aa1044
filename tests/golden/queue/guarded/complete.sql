WITH jobs AS MATERIALIZED (
  SELECT lease, embedd.text_of(k1)::character varying(20) AS k1, k2, slot, hash, n FROM unnest($1::uuid[], $2::bytea[], $3::integer[], $4::int[], $5::bigint[]) WITH ORDINALITY AS j(lease, k1, k2, slot, hash, n)),
fenced AS MATERIALIZED (
  SELECT j.n, slot, hash, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND coalesce(v.destination_column, '') OPERATOR(pg_catalog.=) 'embedding' AND coalesce(v.model_id_column, '') OPERATOR(pg_catalog.=) 'model' AND coalesce(v.model_version_column, '') OPERATOR(pg_catalog.=) 'version' FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)),
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM fenced f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2 AND pg_catalog.hashtextextended((CASE WHEN embedd.refusal('embedd.covers_7(t.kind)', t.*) IS NULL THEN (t.title || t.body) END) COLLATE pg_catalog."C", 0) = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.slot >= 0 OR (f.kept_hash = f.hash AND f.kept IS NOT NULL)),
wrote AS (
  UPDATE public.notes t
  SET "embedding" = (CASE WHEN f.slot >= 0 THEN ($6::public.vector[])[f.slot + 1] ELSE f.kept END)::public.halfvec, "model" = $7::text, "version" = $8::text
  FROM free f WHERE t.ctid = f.row_at AND t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2
  RETURNING f.n, f.hash, f.at, pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.halfvec_send((t."embedding")::public.halfvec)), 'hex') COLLATE pg_catalog."C", 0) AS vector_hash, f.k1, f.k2),
proven AS (
  INSERT INTO embedd.ledger_7 AS l (k1, k2, text_hash, vector_hash)
  SELECT w.k1, w.k2, w.hash, w.vector_hash FROM wrote w
  ON CONFLICT (k1, k2) DO UPDATE
  SET text_hash = excluded.text_hash, vector_hash = excluded.vector_hash,
      repairs = CASE WHEN l.text_hash = excluded.text_hash THEN l.repairs ELSE 0 END),
deleted AS (
  DELETE FROM embedd.queue_7 q USING wrote w WHERE q.ctid = w.at),
left_over AS MATERIALIZED (
  SELECT f.*, (f.slot >= 0 OR (f.kept_hash = f.hash AND f.kept IS NOT NULL))
              AND coalesce((SELECT pg_catalog.hashtextextended((CASE WHEN embedd.refusal('embedd.covers_7(t.kind)', t.*) IS NULL THEN (t.title || t.body) END) COLLATE pg_catalog."C", 0) = f.hash FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2), false) AS locked
  FROM fenced f WHERE f.n NOT IN (SELECT n FROM wrote)),
given_back AS (
  UPDATE embedd.queue_7 q
  SET lease = CASE WHEN f.locked THEN NULL ELSE q.lease END,
      run_at = CASE WHEN f.locked THEN
        now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))) ELSE q.run_at END,
      kept = CASE WHEN f.locked THEN CASE WHEN f.slot >= 0 THEN ($6::public.vector[])[f.slot + 1] ELSE f.kept END END,
      kept_hash = CASE WHEN f.locked THEN f.hash END,
      kept_at = CASE WHEN f.locked THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM wrote) THEN 'd'
       WHEN j.n IN (SELECT n FROM left_over WHERE locked) THEN 'k'
       WHEN j.n IN (SELECT n FROM left_over) THEN 's' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
