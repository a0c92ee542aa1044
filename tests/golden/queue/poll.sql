WITH beat AS (
  INSERT INTO embedd.workers AS w (id, hostname, pid, version, rows_embedded, requests_in_flight, leases, draining,
                                   problems, endpoints)
  VALUES ($1::uuid, $2::text, $3::bigint, $4::text, $5::bigint, $6::bigint, $7::bigint, $8::boolean,
          nullif($10::text, '')::jsonb, nullif($17::text, '')::jsonb)
  ON CONFLICT (id) DO UPDATE
  SET seen_at = now(), rows_embedded = excluded.rows_embedded, requests_in_flight = excluded.requests_in_flight,
      leases = excluded.leases, draining = excluded.draining, problems = excluded.problems,
      endpoints = excluded.endpoints),
swept AS (
  DELETE FROM embedd.workers WHERE id IN (
    SELECT id FROM embedd.workers WHERE seen_at < now() - interval '10 minutes' AND id <> $1::uuid
    FOR UPDATE SKIP LOCKED)),
forgotten AS (
  DELETE FROM embedd.wasted WHERE (vectorizer_id, row_hash) IN (
    SELECT vectorizer_id, row_hash FROM embedd.wasted WHERE wasted_at < now() - interval '1 hour'
    ORDER BY wasted_at LIMIT 10000 FOR UPDATE SKIP LOCKED)),
pgvector AS (
  SELECT quote_ident(n.nspname) AS schema, t.oid FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid AND t.typname = 'vector' WHERE e.extname = 'vector')
SELECT v.id, v.name, v.endpoint, v.model, v.dimensions, v.send_dimensions, v.state = 'paused' OR EXISTS (SELECT FROM embedd.vectorizers o WHERE o.id = v.rows_of AND o.state = 'paused'),
       CASE WHEN c.oid IS NOT NULL THEN format('%I.%I', n.nspname, c.relname) ELSE '' END,
       v.key_columns, v.key_types,
       ARRAY(SELECT a.atttypid::bigint FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = to_regclass('embedd.queue_' || v.id) AND a.attnum BETWEEN 1 AND cardinality(v.key_columns)
             ORDER BY a.attnum),
       v.key_json_sql, v.text_sql, embedd.types_of(v.id), v.filter_sql, v.destination_column, p.schema || '.' || v.destination_type,
       p.schema || '.vector', p.oid::bigint, v.model_id_column, v.model_version_column, v.long_texts,
       v.chunk_rule, v.chunk_template, coalesce(v.rows_of, 0),
       (SELECT format('%I.%I', sn.nspname, sc.relname) FROM pg_catalog.pg_class sc
        JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace WHERE sc.oid = v.store),
       coalesce((SELECT cv.id FROM embedd.vectorizers cv WHERE cv.rows_of = v.id), 0),
       (v.source <> a.source OR v.walked_at IS NULL
        OR greatest(v.walked_at, v.walk_put_off_at) <= now() - make_interval(secs => $9::float8)
        OR v.walked_at <= now() - make_interval(secs => $11::float8)
           AND EXISTS (SELECT FROM embedd.missed_changes m WHERE m.vectorizer_id = v.id))
         AND (v.walk_until IS NULL OR v.walk_until <= now()),
       s.due, s.waiting OR v.walk_skipped > 0 AND v.store IS NULL, s.oldest_seconds, s.jobs, s.dead_letters,
       coalesce(s.problem, embedd.hidden_rows(a.source), embedd.destination_problem(v.id)),
       least(s.first_live, now() - interval '2 s'), least(s.first_backfill, now() - interval '2 s'), s.reading_seconds,
       l.inputs::bigint, l.text_tokens, l.counted, l.no_encoding_format, l.no_dimensions,
       coalesce(v.rows_of, v.id), b.budget_tokens_per_day, (b.budget_usd_per_day * 1e9)::bigint,
       coalesce(own.tokens, 0), coalesce(own.nano_usd, 0), coalesce(shared.tokens, 0), coalesce(shared.nano_usd, 0),
       ((now() AT TIME ZONE 'UTC')::date - date '1970-01-01')::bigint
FROM embedd.vectorizers v CROSS JOIN pgvector p
LEFT JOIN unnest($12::bigint[], $13::timestamptz[], $14::timestamptz[]) AS since (id, live, backfill) ON since.id = v.id
CROSS JOIN LATERAL embedd.queue_state(v.id, coalesce(since.live, '-infinity'), coalesce(since.backfill, '-infinity')) s
CROSS JOIN LATERAL (
  SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.oid = v.source) THEN v.source::oid
              ELSE embedd.adopt_source(v.id) END AS source OFFSET 0) a
LEFT JOIN unnest($15::text[], $16::text[]) AS place (endpoint, address) ON place.endpoint = v.endpoint
LEFT JOIN embedd.learned_limits l ON l.endpoint = v.endpoint AND l.address = place.address AND l.model = v.model AND l.dimensions = v.dimensions AND l.learned_at > greatest(now() - interval '1 day', v.created_at)
LEFT JOIN embedd.vectorizers b ON b.id = coalesce(v.rows_of, v.id)
LEFT JOIN embedd.spending own ON own.budget_of = 'vectorizer ' || b.id AND own.day >= (now() AT TIME ZONE 'UTC')::date
LEFT JOIN embedd.spending shared ON shared.budget_of = 'endpoint ' || v.endpoint AND shared.day >= (now() AT TIME ZONE 'UTC')::date
LEFT JOIN pg_catalog.pg_class c ON c.oid = a.source LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY v.id
