WITH forgotten AS (
  DELETE FROM embedd.history WHERE (vectorizer_id, at) IN (
    SELECT vectorizer_id, at FROM embedd.history WHERE at < now() - interval '7 days'
    ORDER BY at LIMIT 10000 FOR UPDATE SKIP LOCKED))
INSERT INTO embedd.history AS h (vectorizer_id, at, jobs, dead_letters, rows, tokens, fresh)
SELECT id, date_trunc('minute', now()), jobs, dead_letters, rows, tokens,
       coalesce(string_to_array(nullif(fresh, ''), ',')::bigint[], ARRAY[]::bigint[])
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
  AS minute (id, jobs, dead_letters, rows, tokens, fresh) ORDER BY 1
ON CONFLICT (vectorizer_id, at) DO UPDATE
SET jobs = excluded.jobs, dead_letters = excluded.dead_letters, rows = h.rows + excluded.rows,
    tokens = least(h.tokens::numeric + excluded.tokens, 9223372036854775807)::bigint,
    fresh = coalesce((SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY n)
                      FROM unnest(h.fresh, excluded.fresh) WITH ORDINALITY AS sums (a, b, n)), ARRAY[]::bigint[])
