-- For a row that is staged: one chunk is a dead letter; one chunk is lost, so the row is cut again; one chunk has no
-- vector yet; all chunks have vectors.
CASE WHEN EXISTS (SELECT {>store_dead_chunk}) THEN 7
     WHEN EXISTS (SELECT FROM {staged} g WHERE {g=f} AND NOT EXISTS ({chunk_vector})
                    AND NOT EXISTS (SELECT FROM {chunks} x WHERE x.hash = g.hash)) THEN 3
     WHEN EXISTS (SELECT FROM {staged} g WHERE {g=f} AND NOT EXISTS ({chunk_vector})) THEN 6
     ELSE 2 END
