WITH jobs AS MATERIALIZED (
  SELECT lease, embedd.text_of(k1)::character varying(20) AS k1, k2, n FROM unnest($1::uuid[], $2::bytea[], $3::integer[]) WITH ORDINALITY AS j(lease, k1, k2, n)),
fenced AS MATERIALIZED (
  SELECT j.n, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND true),
extended AS (
  UPDATE embedd.queue_7 q SET run_at = now() + pg_catalog.make_interval(secs => $4::float8)
  FROM fenced f WHERE q.ctid = f.at)
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'd' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
