INSERT INTO embedd.spending AS s (budget_of, day, tokens, nano_usd, granted_tokens, granted_nano_usd)
SELECT $1::text, part.* FROM (SELECT) one LEFT JOIN embedd.spending a ON a.budget_of = $1::text CROSS JOIN LATERAL (SELECT now.day, now.tokens + part.tokens, now.nano_usd + part.nano_usd, part.tokens, part.nano_usd
FROM (
  SELECT greatest(a.day, (pg_catalog.now() AT TIME ZONE 'UTC')::date) AS day,
         greatest((SELECT least(coalesce(sum(u.tokens), 0), 1e18)::bigint FROM embedd.usage u WHERE u.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date AND u.database = embedd.this_database() AND u.vectorizer_id IN (SELECT v.id FROM embedd.vectorizers v WHERE 'vectorizer ' || coalesce(v.rows_of, v.id) = $1::text OR 'endpoint ' || v.endpoint = $1::text)),
                  CASE WHEN a.day >= (pg_catalog.now() AT TIME ZONE 'UTC')::date
                  THEN a.tokens - CASE WHEN a.day - date '1970-01-01' = $4::bigint THEN $5::bigint ELSE 0 END
                  END) AS tokens,
         greatest((SELECT least(coalesce(sum(u.cost_usd), 0) * 1e9, 1e18)::bigint FROM embedd.usage u WHERE u.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date AND u.database = embedd.this_database() AND u.vectorizer_id IN (SELECT v.id FROM embedd.vectorizers v WHERE 'vectorizer ' || coalesce(v.rows_of, v.id) = $1::text OR 'endpoint ' || v.endpoint = $1::text)),
                  CASE WHEN a.day >= (pg_catalog.now() AT TIME ZONE 'UTC')::date
                  THEN a.nano_usd - CASE WHEN a.day - date '1970-01-01' = $4::bigint THEN $6::bigint ELSE 0 END
                  END) AS nano_usd) now
CROSS JOIN LATERAL (
  SELECT CASE WHEN fits THEN least($9::bigint, $2::bigint - now.tokens) WHEN first THEN $7::bigint ELSE 0 END AS tokens,
         CASE WHEN fits THEN least($10::bigint, $3::bigint - now.nano_usd) WHEN first THEN $8::bigint ELSE 0 END AS nano_usd
  FROM (SELECT now.tokens + $7::bigint <= $2::bigint AND now.nano_usd + $8::bigint <= $3::bigint AS fits,
               now.tokens <= 0 AND now.nano_usd <= 0 AS first) left_of_it) part) part
ON CONFLICT (budget_of) DO UPDATE SET (day, tokens, nano_usd, granted_tokens, granted_nano_usd) = (SELECT now.day, now.tokens + part.tokens, now.nano_usd + part.nano_usd, part.tokens, part.nano_usd
FROM (
  SELECT greatest(s.day, (pg_catalog.now() AT TIME ZONE 'UTC')::date) AS day,
         greatest((SELECT least(coalesce(sum(u.tokens), 0), 1e18)::bigint FROM embedd.usage u WHERE u.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date AND u.database = embedd.this_database() AND u.vectorizer_id IN (SELECT v.id FROM embedd.vectorizers v WHERE 'vectorizer ' || coalesce(v.rows_of, v.id) = $1::text OR 'endpoint ' || v.endpoint = $1::text)),
                  CASE WHEN s.day >= (pg_catalog.now() AT TIME ZONE 'UTC')::date
                  THEN s.tokens - CASE WHEN s.day - date '1970-01-01' = $4::bigint THEN $5::bigint ELSE 0 END
                  END) AS tokens,
         greatest((SELECT least(coalesce(sum(u.cost_usd), 0) * 1e9, 1e18)::bigint FROM embedd.usage u WHERE u.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date AND u.database = embedd.this_database() AND u.vectorizer_id IN (SELECT v.id FROM embedd.vectorizers v WHERE 'vectorizer ' || coalesce(v.rows_of, v.id) = $1::text OR 'endpoint ' || v.endpoint = $1::text)),
                  CASE WHEN s.day >= (pg_catalog.now() AT TIME ZONE 'UTC')::date
                  THEN s.nano_usd - CASE WHEN s.day - date '1970-01-01' = $4::bigint THEN $6::bigint ELSE 0 END
                  END) AS nano_usd) now
CROSS JOIN LATERAL (
  SELECT CASE WHEN fits THEN least($9::bigint, $2::bigint - now.tokens) WHEN first THEN $7::bigint ELSE 0 END AS tokens,
         CASE WHEN fits THEN least($10::bigint, $3::bigint - now.nano_usd) WHEN first THEN $8::bigint ELSE 0 END AS nano_usd
  FROM (SELECT now.tokens + $7::bigint <= $2::bigint AND now.nano_usd + $8::bigint <= $3::bigint AS fits,
               now.tokens <= 0 AND now.nano_usd <= 0 AS first) left_of_it) part)
RETURNING granted_tokens, granted_nano_usd, (day - date '1970-01-01')::bigint,
          extract(epoch FROM (day + 1)::timestamp AT TIME ZONE 'UTC' - clock_timestamp())::float8
