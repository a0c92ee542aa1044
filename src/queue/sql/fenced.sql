-- The jobs whose leases are still this worker's.
fenced AS MATERIALIZED (
  SELECT j.n{columns}, {keys:q}, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM {queue} q WHERE {q=j} AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND {here})
