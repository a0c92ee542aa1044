-- Keeps a window's chunks beside the store until all chunks of their row have vectors. A chunk whose vector is known,
-- from this row or another, is not asked for again; one that was staged for the row's former text is not asked for any
-- more. A text that has changed meanwhile is not staged: its job is stale.
WITH {>jobs},
{>fenced},
{types},
same AS MATERIALIZED (
  SELECT f.* FROM fenced f WHERE f.n = f.n + 0 AND (SELECT {hash} FROM {source} t WHERE {t=f}) = f.hash),
cut AS MATERIALIZED (
  SELECT f.n, {keys:f}, c.seq, c.chunk, c.sent,
         pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(c.sent, 'UTF8')), 1, 16), 'hex')::uuid AS hash
  FROM unnest({$5}::int[], {$6}::int[], {$7}::text[], {$8}::text[]) AS c(n, seq, chunk, sent) JOIN same f ON f.n = c.n),
asked AS MATERIALIZED (
  SELECT DISTINCT ON (g.hash) g.hash, g.sent FROM cut g WHERE NOT EXISTS ({chunk_vector}) ORDER BY g.hash),
replaced AS MATERIALIZED (
  SELECT DISTINCT g.hash FROM {staged} g JOIN same f ON {g=f}
  WHERE EXISTS (SELECT FROM cut c WHERE c.n = f.n AND c.seq = g.seq AND c.hash <> g.hash)
     OR f.next_characters < 0 AND g.seq >= f.next_chunks),
unasked AS (
  DELETE FROM {chunks} x USING replaced d
  WHERE x.hash = d.hash AND NOT EXISTS (SELECT FROM cut c WHERE c.hash = d.hash)
    AND NOT EXISTS (SELECT FROM {staged} g WHERE g.hash = d.hash AND NOT EXISTS (SELECT FROM same f WHERE {g=f}))),
staged AS (
  INSERT INTO {staged} ({keys}, seq, hash, chunk) SELECT {keys:c}, c.seq, c.hash, c.chunk FROM cut c
  ON CONFLICT ({keys}, seq) DO UPDATE SET hash = excluded.hash, chunk = excluded.chunk),
wanted AS (
  INSERT INTO {chunks} (hash, sent) SELECT a.hash, a.sent FROM asked a ORDER BY a.hash ON CONFLICT (hash) DO NOTHING),
trimmed AS (
  DELETE FROM {staged} g USING same f WHERE {g=f} AND f.next_characters < 0 AND g.seq >= f.next_chunks),
given_back AS (
  UPDATE {queue} q
  SET lease = NULL, cut_hash = f.hash, cut_characters = f.next_characters, cut_chunks = f.next_chunks,
      cut_state = f.next_state, kept_hash = CASE WHEN f.next_characters < 0 THEN f.hash END,
      run_at = now() + CASE WHEN f.next_characters < 0 AND EXISTS (SELECT FROM cut c JOIN asked a ON a.hash = c.hash WHERE c.n = f.n)
                            THEN interval '15 s' ELSE interval '0' END
  FROM same f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM same) THEN 'd' WHEN j.n IN (SELECT n FROM fenced) THEN 's' END,
  {>not_ours}), '' ORDER BY j.n)
FROM jobs j
