-- Stages a window's chunks until all chunks of their row have vectors. A chunk is not asked for if its vector is known,
-- from this row or another. Chunks that were staged of the row's former text may come again in a later window. Until the
-- last window is staged, they stay under negative numbers; then the chunks that no row has staged are not asked for any
-- more. If the row's text has changed meanwhile, nothing is staged: the job is stale.
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
windows AS MATERIALIZED (
  SELECT f.n, {keys:f}, f.next_characters < 0 AS last, f.next_chunks,
         coalesce((SELECT min(c.seq) FROM cut c WHERE c.n = f.n), f.next_chunks) AS first_chunk FROM same f),
set_aside AS (
  INSERT INTO {staged} ({keys}, seq, hash, chunk)
  SELECT {keys:f}, least(f.lowest, 0) - row_number() OVER (PARTITION BY f.n), f.hash, '' FROM (
    SELECT f.n, {keys:f}, g.hash, min(g.seq) AS seq, min(min(g.seq)) OVER (PARTITION BY f.n) AS lowest
    FROM windows f JOIN {staged} g ON {g=f} WHERE f.first_chunk = 0 AND NOT f.last GROUP BY f.n, {keys:f}, g.hash) f
  WHERE f.seq >= 0),
replaced AS MATERIALIZED (
  SELECT DISTINCT g.hash FROM windows f JOIN {staged} g ON {g=f} WHERE f.last AND (g.seq < 0 OR g.seq >= f.first_chunk)),
unasked AS (
  DELETE FROM {chunks} x USING replaced d
  WHERE x.hash = d.hash AND NOT EXISTS (SELECT FROM cut c WHERE c.hash = d.hash)
    AND NOT EXISTS (
      SELECT FROM {staged} g WHERE g.hash = d.hash AND NOT EXISTS (
        SELECT FROM windows f WHERE {g=f} AND f.last AND (g.seq < 0 OR g.seq >= f.first_chunk)))),
staged AS (
  INSERT INTO {staged} ({keys}, seq, hash, chunk) SELECT {keys:c}, c.seq, c.hash, c.chunk FROM cut c
  ON CONFLICT ({keys}, seq) DO UPDATE SET hash = excluded.hash, chunk = excluded.chunk),
wanted AS (
  INSERT INTO {chunks} (hash, sent) SELECT a.hash, a.sent FROM asked a ORDER BY a.hash ON CONFLICT (hash) DO NOTHING),
trimmed AS (
  DELETE FROM {staged} g USING windows f WHERE {g=f} AND f.last AND (g.seq < 0 OR g.seq >= f.next_chunks)),
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
