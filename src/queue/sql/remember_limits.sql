WITH swept AS (
  DELETE FROM embedd.learned_limits WHERE (endpoint, address, model, dimensions) IN (
    SELECT endpoint, address, model, dimensions FROM embedd.learned_limits
    WHERE learned_at < now() - interval '1 day' AND (endpoint, address, model, dimensions) <> ($1::text, $2::text, $3::text, $4::bigint)
    LIMIT 100 FOR UPDATE SKIP LOCKED))
INSERT INTO embedd.learned_limits (endpoint, address, model, dimensions, inputs, text_tokens, counted, no_encoding_format,
                                   no_dimensions)
VALUES ($1::text, $2::text, $3::text, $4::bigint, $5::bigint, $6::bigint, $7::boolean, $8::boolean, $9::boolean)
ON CONFLICT (endpoint, address, model, dimensions) DO UPDATE
SET inputs = excluded.inputs, text_tokens = excluded.text_tokens, counted = excluded.counted,
    no_encoding_format = excluded.no_encoding_format, no_dimensions = excluded.no_dimensions, learned_at = now()
