WITH jobs AS MATERIALIZED (
  SELECT lease, {in}{columns}, n FROM unnest($1::uuid[], {key_arrays}{arrays}) WITH ORDINALITY AS j(lease, {keys}{columns}, n)),
fenced AS MATERIALIZED (
  SELECT j.n{columns}, {keys:q}, q.at{fenced}
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM {queue} q WHERE {q=j} AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0),
{steps}
SELECT string_agg(coalesce({outcome},
  CASE WHEN (SELECT true FROM {queue} q WHERE {q=j} AND q.lease = j.lease LIMIT 1)
       THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
