-- Fills the ledger for chunks that a store has already. If all chunks of a row are there, from number 0 on, and are of this
-- model, they count as chunks of the row's present text. For any other row the ledger gets the hash of a text that no row
-- has: then the walk has the row embedded, or finds that the row is gone, and removes its chunks.
WITH there AS MATERIALIZED (
  SELECT {store_keys},
         min(s.chunk_seq) = 0 AND max(s.chunk_seq) = count(*) - 1
           AND bool_and(s.chunk IS NOT NULL AND s.embedding IS NOT NULL AND coalesce({of_this_model}, false)) AS whole,
         pg_catalog.hashtextextended(string_agg({piece_hash}, ' ' ORDER BY s.chunk_seq) COLLATE pg_catalog."C", 0) AS vector_hash
  FROM {store} s GROUP BY {store_names}),
judged AS MATERIALIZED (
  SELECT h.*, (SELECT {hash} FROM {source} t WHERE {t_is_h}) AS hash, h.whole{and_not_waiting} AS trusted FROM there h),
proven AS (
  INSERT INTO {ledger} ({keys}, text_hash, vector_hash)
  SELECT {keys}, CASE WHEN j.trusted THEN coalesce(j.hash, 0) ELSE 0 END, j.vector_hash FROM judged j)
SELECT count(hash), count(hash) FILTER (WHERE trusted) FROM judged
