INSERT INTO embedd.usage AS u (vectorizer_id, model, requests, rows, tokens, cost_usd, unpriced_tokens)
SELECT id, model, requests, rows, tokens, cost / 1e9, unpriced
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
  AS bought (id, model, requests, rows, tokens, cost, unpriced) ORDER BY 1, 2
ON CONFLICT (vectorizer_id, model, day) DO UPDATE
SET requests = least(u.requests::numeric + excluded.requests, 9223372036854775807)::bigint,
    rows = least(u.rows::numeric + excluded.rows, 9223372036854775807)::bigint,
    tokens = least(u.tokens::numeric + excluded.tokens, 9223372036854775807)::bigint,
    cost_usd = u.cost_usd + excluded.cost_usd,
    unpriced_tokens = least(u.unpriced_tokens::numeric + excluded.unpriced_tokens, 9223372036854775807)::bigint
