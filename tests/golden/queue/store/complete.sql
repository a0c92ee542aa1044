WITH jobs AS MATERIALIZED (
  SELECT lease, k1, k2, slot, hash, n FROM unnest($1::uuid[], $2::character varying(20)[], $3::integer[], $4::int[], $5::bigint[]) WITH ORDINALITY AS j(lease, k1, k2, slot, hash, n)),
fenced AS MATERIALIZED (
  SELECT j.n, slot, hash, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND 'public.notes_embedding_store'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.store FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)), store_types AS (
  SELECT FROM public.notes_embedding_store s
  WHERE embedd.exactly(s."slug", NULL::character varying(20)) AND embedd.exactly(s."part", NULL::integer) AND embedd.exactly(s.chunk, NULL::pg_catalog.text) AND embedd.exactly(s.embedding, NULL::public.vector)),
free AS MATERIALIZED (
  SELECT f.* FROM fenced f CROSS JOIN LATERAL (
    SELECT FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2 AND pg_catalog.hashtextextended((CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) COLLATE pg_catalog."C", 0) = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.kept_hash = f.hash),
pieces AS MATERIALIZED (
  SELECT f.n, f.k1, f.k2, g.seq, g.hash, g.chunk, v.embedding, v.model_id, v.model_version
  FROM free f JOIN embedd.staged_7 g ON g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 LEFT JOIN LATERAL (SELECT x.embedding, x.model_id, x.model_version FROM embedd.chunks_7 x WHERE x.hash = g.hash AND x.embedding IS NOT NULL UNION ALL SELECT s.embedding, s.model_id, s.model_version FROM embedd.placed_7 p JOIN public.notes_embedding_store s ON s."slug" OPERATOR(pg_catalog.=) p.k1 AND s."part" OPERATOR(pg_catalog.=) p.k2 AND s.chunk_seq = p.seq WHERE p.hash = g.hash AND p.vector_hash = pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((s.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0) LIMIT 1) v ON true),
counted AS MATERIALIZED (
  SELECT p.n, count(*) AS chunks, bool_and(p.embedding IS NOT NULL) AS complete,
         pg_catalog.hashtextextended(string_agg(pg_catalog.concat_ws(' ', pg_catalog.hashtextextended(p.chunk COLLATE pg_catalog."C", 0), pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((p.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0)), ' ' ORDER BY p.seq) COLLATE pg_catalog."C", 0) AS vector_hash
  FROM pieces p GROUP BY p.n),
whole AS MATERIALIZED (
  SELECT f.n, f.at, f.hash, f.k1, f.k2, c.chunks, c.vector_hash FROM free f JOIN counted c ON c.n = f.n WHERE c.complete),
put AS (
  INSERT INTO public.notes_embedding_store AS s ("slug", "part", chunk_seq, chunk, embedding, model_id, model_version)
  SELECT p.k1, p.k2, p.seq, p.chunk, p.embedding, p.model_id, p.model_version
  FROM pieces p JOIN whole w ON w.n = p.n
  ON CONFLICT ("slug", "part", chunk_seq) DO UPDATE
  SET chunk = excluded.chunk, embedding = excluded.embedding, model_id = excluded.model_id, model_version = excluded.model_version
  WHERE pg_catalog.record_image_ne(ROW(s.chunk, s.embedding, s.model_id, s.model_version),
                                   ROW(excluded.chunk, excluded.embedding, excluded.model_id, excluded.model_version))),
trimmed AS (
  DELETE FROM public.notes_embedding_store s USING whole w WHERE s."slug" OPERATOR(pg_catalog.=) w.k1 AND s."part" OPERATOR(pg_catalog.=) w.k2 AND s.chunk_seq >= w.chunks),
placed AS (
  INSERT INTO embedd.placed_7 AS o (k1, k2, seq, hash, vector_hash)
  SELECT p.k1, p.k2, p.seq, p.hash, pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((p.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0) FROM pieces p JOIN whole w ON w.n = p.n
  ON CONFLICT (k1, k2, seq) DO UPDATE SET hash = excluded.hash, vector_hash = excluded.vector_hash
  WHERE (o.hash, o.vector_hash) IS DISTINCT FROM (excluded.hash, excluded.vector_hash)),
displaced AS (
  DELETE FROM embedd.placed_7 o USING whole w WHERE o.k1 OPERATOR(pg_catalog.=) w.k1 AND o.k2 OPERATOR(pg_catalog.=) w.k2 AND o.seq >= w.chunks),
unstaged AS (
  DELETE FROM embedd.staged_7 g USING whole w WHERE g.k1 OPERATOR(pg_catalog.=) w.k1 AND g.k2 OPERATOR(pg_catalog.=) w.k2),
unasked AS (
  DELETE FROM embedd.chunks_7 x USING (SELECT DISTINCT p.hash FROM pieces p JOIN whole w ON w.n = p.n) d
  WHERE x.hash = d.hash AND NOT EXISTS (
    SELECT FROM embedd.staged_7 g WHERE g.hash = x.hash AND NOT EXISTS (SELECT FROM whole w WHERE g.k1 OPERATOR(pg_catalog.=) w.k1 AND g.k2 OPERATOR(pg_catalog.=) w.k2))),
proven AS (
  INSERT INTO embedd.ledger_7 AS l (k1, k2, text_hash, vector_hash)
  SELECT w.k1, w.k2, w.hash, w.vector_hash FROM whole w
  ON CONFLICT (k1, k2) DO UPDATE
  SET text_hash = excluded.text_hash, vector_hash = excluded.vector_hash,
      repairs = CASE WHEN l.text_hash = excluded.text_hash THEN l.repairs ELSE 0 END),
deleted AS (
  DELETE FROM embedd.queue_7 q USING whole w WHERE q.ctid = w.at),
left_over AS MATERIALIZED (
  SELECT f.*, coalesce((SELECT pg_catalog.hashtextextended((CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) COLLATE pg_catalog."C", 0) = f.hash FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2), false) AS same,
         f.n IN (SELECT n FROM free) OR f.kept_hash IS DISTINCT FROM f.hash AS cut_again
  FROM fenced f WHERE f.n NOT IN (SELECT n FROM whole)),
given_back AS (
  UPDATE embedd.queue_7 q
  SET lease = CASE WHEN f.same THEN NULL ELSE q.lease END,
      run_at = CASE WHEN NOT f.same THEN q.run_at WHEN f.cut_again THEN now() ELSE
        now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))) END,
      kept_hash = CASE WHEN f.same AND NOT f.cut_again THEN q.kept_hash END,
      cut_hash = CASE WHEN f.same AND NOT f.cut_again THEN q.cut_hash END,
      kept_at = CASE WHEN f.same THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM whole) THEN 'd'
       WHEN j.n IN (SELECT n FROM left_over WHERE same) THEN 'k'
       WHEN j.n IN (SELECT n FROM left_over) THEN 's' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
