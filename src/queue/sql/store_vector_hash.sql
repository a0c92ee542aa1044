-- A hash of all chunks and vectors of a row, in order.
(SELECT pg_catalog.hashtextextended(string_agg({piece_hash:s}, ' ' ORDER BY s.chunk_seq) COLLATE pg_catalog."C", 0)
 FROM {store} s WHERE {s=t})
