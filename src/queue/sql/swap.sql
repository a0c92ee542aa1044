-- Replaces all chunks of a row in this statement: readers see either all former chunks or all new ones. Writes a row
-- only while its text is the one that was cut. Passes over a row that a user has locked. A row of which a chunk lacks a
-- vector is cut again.
WITH {>jobs},
{>fenced},
{types},
free AS MATERIALIZED (
  SELECT f.* FROM fenced f CROSS JOIN LATERAL (
    SELECT FROM {source} t WHERE {t=f} AND {hash} = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.kept_hash = f.hash),
pieces AS MATERIALIZED (
  SELECT f.n, {keys:f}, g.seq, g.hash, g.chunk, v.embedding, v.model_id, v.model_version
  FROM free f JOIN {staged} g ON {g=f} LEFT JOIN LATERAL ({chunk_vector}) v ON true),
counted AS MATERIALIZED (
  SELECT p.n, count(*) AS chunks, bool_and(p.embedding IS NOT NULL) AS complete,
         pg_catalog.hashtextextended(string_agg({piece_hash:p}, ' ' ORDER BY p.seq) COLLATE pg_catalog."C", 0) AS vector_hash
  FROM pieces p GROUP BY p.n),
whole AS MATERIALIZED (
  SELECT f.n, f.at, f.hash, {keys:f}, c.chunks, c.vector_hash FROM free f JOIN counted c ON c.n = f.n WHERE c.complete),
put AS (
  INSERT INTO {store} AS s ({names}, chunk_seq, chunk, embedding, model_id, model_version)
  SELECT {keys:p}, p.seq, p.chunk, p.embedding, p.model_id, p.model_version
  FROM pieces p JOIN whole w ON w.n = p.n
  ON CONFLICT ({names}, chunk_seq) DO UPDATE
  SET chunk = excluded.chunk, embedding = excluded.embedding, model_id = excluded.model_id, model_version = excluded.model_version
  WHERE pg_catalog.record_image_ne(ROW(s.chunk, s.embedding, s.model_id, s.model_version),
                                   ROW(excluded.chunk, excluded.embedding, excluded.model_id, excluded.model_version))),
trimmed AS (
  DELETE FROM {store} s USING whole w WHERE {s=w} AND s.chunk_seq >= w.chunks),
placed AS (
  INSERT INTO {placed} AS o ({keys}, seq, hash, vector_hash)
  SELECT {keys:p}, p.seq, p.hash, {vector_hash:p} FROM pieces p JOIN whole w ON w.n = p.n
  ON CONFLICT ({keys}, seq) DO UPDATE SET hash = excluded.hash, vector_hash = excluded.vector_hash
  WHERE (o.hash, o.vector_hash) IS DISTINCT FROM (excluded.hash, excluded.vector_hash)),
displaced AS (
  DELETE FROM {placed} o USING whole w WHERE {o=w} AND o.seq >= w.chunks),
unstaged AS (
  DELETE FROM {staged} g USING whole w WHERE {g=w}),
unasked AS (
  DELETE FROM {chunks} x USING (SELECT DISTINCT p.hash FROM pieces p JOIN whole w ON w.n = p.n) d
  WHERE x.hash = d.hash AND NOT EXISTS (
    SELECT FROM {staged} g WHERE g.hash = x.hash AND NOT EXISTS (SELECT FROM whole w WHERE {g=w}))),
proven AS (
  INSERT INTO {ledger} AS l ({keys}, text_hash, vector_hash)
  SELECT {keys:w}, w.hash, w.vector_hash FROM whole w
  ON CONFLICT ({keys}) DO UPDATE
  SET text_hash = excluded.text_hash, vector_hash = excluded.vector_hash,
      repairs = CASE WHEN l.text_hash = excluded.text_hash THEN l.repairs ELSE 0 END),
deleted AS (
  DELETE FROM {queue} q USING whole w WHERE q.ctid = w.at),
left_over AS MATERIALIZED (
  SELECT f.*, coalesce((SELECT {hash} = f.hash FROM {source} t WHERE {t=f}), false) AS same,
         f.n IN (SELECT n FROM free) OR f.kept_hash IS DISTINCT FROM f.hash AS cut_again
  FROM fenced f WHERE f.n NOT IN (SELECT n FROM whole)),
given_back AS (
  UPDATE {queue} q
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
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
