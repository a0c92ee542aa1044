{>store_window}, CASE WHEN f.begun THEN f.cut_chunks ELSE 0 END::bigint,
CASE WHEN f.begun THEN f.cut_state END, pg_catalog.char_length(f.text) - {>store_window} <= {window},
pg_catalog.octet_length(f.text)::bigint
