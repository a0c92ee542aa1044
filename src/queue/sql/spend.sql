-- Reserves a part of a budget, once what was reserved earlier has been returned: what is wanted, or what is left. If less is left than
-- what is needed, nothing, but the first part of a day is as large as it must be. What was booked of the day counts, too, because
-- workers may have bought without this budget before.
INSERT INTO embedd.spending AS s (budget_of, day, tokens, nano_usd, granted_tokens, granted_nano_usd)
SELECT $1::text, part.* FROM (SELECT) one LEFT JOIN embedd.spending a ON a.budget_of = $1::text CROSS JOIN LATERAL ({part:a}) part
ON CONFLICT (budget_of) DO UPDATE SET (day, tokens, nano_usd, granted_tokens, granted_nano_usd) = ({part:s})
RETURNING granted_tokens, granted_nano_usd, (day - date '1970-01-01')::bigint,
          extract(epoch FROM (day + 1)::timestamp AT TIME ZONE 'UTC' - clock_timestamp())::float8
