SELECT now.day, now.tokens + part.tokens, now.nano_usd + part.nano_usd, part.tokens, part.nano_usd
FROM (
  SELECT greatest({row}.day, (pg_catalog.now() AT TIME ZONE 'UTC')::date) AS day,
         greatest((SELECT least(coalesce(sum(u.tokens), 0), 1e18)::bigint {booked}),
                  CASE WHEN {row}.day >= (pg_catalog.now() AT TIME ZONE 'UTC')::date
                  THEN {row}.tokens - CASE WHEN {row}.day - date '1970-01-01' = $4::bigint THEN $5::bigint ELSE 0 END
                  END) AS tokens,
         greatest((SELECT least(coalesce(sum(u.cost_usd), 0) * 1e9, 1e18)::bigint {booked}),
                  CASE WHEN {row}.day >= (pg_catalog.now() AT TIME ZONE 'UTC')::date
                  THEN {row}.nano_usd - CASE WHEN {row}.day - date '1970-01-01' = $4::bigint THEN $6::bigint ELSE 0 END
                  END) AS nano_usd) now
CROSS JOIN LATERAL (
  SELECT CASE WHEN fits THEN least($9::bigint, $2::bigint - now.tokens) WHEN first THEN $7::bigint ELSE 0 END AS tokens,
         CASE WHEN fits THEN least($10::bigint, $3::bigint - now.nano_usd) WHEN first THEN $8::bigint ELSE 0 END AS nano_usd
  FROM (SELECT now.tokens + $7::bigint <= $2::bigint AND now.nano_usd + $8::bigint <= $3::bigint AS fits,
               now.tokens <= 0 AND now.nano_usd <= 0 AS first) left_of_it) part
