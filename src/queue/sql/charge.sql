-- Counts queries, which nobody reserves, towards the budgets that are in use today.
WITH bought AS (
  SELECT b.budget_of, least(sum(u.tokens), 1e18)::bigint AS tokens, least(sum(u.cost), 1e18)::bigint AS nano_usd
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (id, tokens, cost) JOIN embedd.vectorizers v ON v.id = u.id
  CROSS JOIN LATERAL (VALUES ('vectorizer ' || coalesce(v.rows_of, v.id)), ('endpoint ' || v.endpoint)) AS b (budget_of) GROUP BY 1),
ours AS MATERIALIZED (
  SELECT s.budget_of FROM embedd.spending s WHERE s.budget_of IN (SELECT budget_of FROM bought)
    AND s.day >= (now() AT TIME ZONE 'UTC')::date ORDER BY 1 FOR NO KEY UPDATE)
UPDATE embedd.spending s SET tokens = s.tokens + b.tokens, nano_usd = s.nano_usd + b.nano_usd
FROM bought b JOIN ours USING (budget_of) WHERE s.budget_of = b.budget_of
