WHEN 7 THEN (SELECT pg_catalog.format('chunk %s: %s', g.seq + 1, d.message) {>store_dead_chunk} ORDER BY g.seq LIMIT 1)
