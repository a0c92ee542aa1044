WITH jobs AS MATERIALIZED (
  SELECT lease, k1, k2, hash, next_characters, next_chunks, next_state, n FROM unnest($1::uuid[], $2::character varying(20)[], $3::integer[], $4::bigint[], $5::bigint[], $6::int[], $7::bytea[]) WITH ORDINALITY AS j(lease, k1, k2, hash, next_characters, next_chunks, next_state, n)),
fenced AS MATERIALIZED (
  SELECT j.n, hash, next_characters, next_chunks, next_state, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND 'public.notes_embedding_store'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.store FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END),
types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)), store_types AS (
  SELECT FROM public.notes_embedding_store s
  WHERE embedd.exactly(s."slug", NULL::character varying(20)) AND embedd.exactly(s."part", NULL::integer) AND embedd.exactly(s.chunk, NULL::pg_catalog.text) AND embedd.exactly(s.embedding, NULL::public.vector)),
same AS MATERIALIZED (
  SELECT f.* FROM fenced f WHERE f.n = f.n + 0 AND (SELECT pg_catalog.hashtextextended((CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) COLLATE pg_catalog."C", 0) FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) f.k1 AND t."part" OPERATOR(pg_catalog.=) f.k2) = f.hash),
cut AS MATERIALIZED (
  SELECT f.n, f.k1, f.k2, c.seq, c.chunk, c.sent,
         pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(c.sent, 'UTF8')), 1, 16), 'hex')::uuid AS hash
  FROM unnest($8::int[], $9::int[], $10::text[], $11::text[]) AS c(n, seq, chunk, sent) JOIN same f ON f.n = c.n),
asked AS MATERIALIZED (
  SELECT DISTINCT ON (g.hash) g.hash, g.sent FROM cut g WHERE NOT EXISTS (SELECT x.embedding, x.model_id, x.model_version FROM embedd.chunks_7 x WHERE x.hash = g.hash AND x.embedding IS NOT NULL UNION ALL SELECT s.embedding, s.model_id, s.model_version FROM embedd.placed_7 p JOIN public.notes_embedding_store s ON s."slug" OPERATOR(pg_catalog.=) p.k1 AND s."part" OPERATOR(pg_catalog.=) p.k2 AND s.chunk_seq = p.seq WHERE p.hash = g.hash AND p.vector_hash = pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((s.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0) LIMIT 1) ORDER BY g.hash),
windows AS MATERIALIZED (
  SELECT f.n, f.k1, f.k2, f.next_characters < 0 AS last, f.next_chunks,
         coalesce((SELECT min(c.seq) FROM cut c WHERE c.n = f.n), f.next_chunks) AS first_chunk FROM same f),
set_aside AS (
  INSERT INTO embedd.staged_7 (k1, k2, seq, hash, chunk)
  SELECT f.k1, f.k2, least(f.lowest, 0) - row_number() OVER (PARTITION BY f.n), f.hash, '' FROM (
    SELECT f.n, f.k1, f.k2, g.hash, min(g.seq) AS seq, min(min(g.seq)) OVER (PARTITION BY f.n) AS lowest
    FROM windows f JOIN embedd.staged_7 g ON g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 WHERE f.first_chunk = 0 AND NOT f.last GROUP BY f.n, f.k1, f.k2, g.hash) f
  WHERE f.seq >= 0),
replaced AS MATERIALIZED (
  SELECT DISTINCT g.hash FROM windows f JOIN embedd.staged_7 g ON g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 WHERE f.last AND (g.seq < 0 OR g.seq >= f.first_chunk)),
unasked AS (
  DELETE FROM embedd.chunks_7 x USING replaced d
  WHERE x.hash = d.hash AND NOT EXISTS (SELECT FROM cut c WHERE c.hash = d.hash)
    AND NOT EXISTS (
      SELECT FROM embedd.staged_7 g WHERE g.hash = d.hash AND NOT EXISTS (
        SELECT FROM windows f WHERE g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 AND f.last AND (g.seq < 0 OR g.seq >= f.first_chunk)))),
staged AS (
  INSERT INTO embedd.staged_7 (k1, k2, seq, hash, chunk) SELECT c.k1, c.k2, c.seq, c.hash, c.chunk FROM cut c
  ON CONFLICT (k1, k2, seq) DO UPDATE SET hash = excluded.hash, chunk = excluded.chunk),
wanted AS (
  INSERT INTO embedd.chunks_7 (hash, sent) SELECT a.hash, a.sent FROM asked a ORDER BY a.hash ON CONFLICT (hash) DO NOTHING),
trimmed AS (
  DELETE FROM embedd.staged_7 g USING windows f WHERE g.k1 OPERATOR(pg_catalog.=) f.k1 AND g.k2 OPERATOR(pg_catalog.=) f.k2 AND f.last AND (g.seq < 0 OR g.seq >= f.next_chunks)),
given_back AS (
  UPDATE embedd.queue_7 q
  SET lease = NULL, cut_hash = f.hash, cut_characters = f.next_characters, cut_chunks = f.next_chunks,
      cut_state = f.next_state, kept_hash = CASE WHEN f.next_characters < 0 THEN f.hash END,
      run_at = now() + CASE WHEN f.next_characters < 0 AND EXISTS (SELECT FROM cut c JOIN asked a ON a.hash = c.hash WHERE c.n = f.n)
                            THEN interval '15 s' ELSE interval '0' END
  FROM same f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM same) THEN 'd' WHEN j.n IN (SELECT n FROM fenced) THEN 's' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
