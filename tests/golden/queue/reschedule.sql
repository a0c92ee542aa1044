WITH jobs AS MATERIALIZED (
  SELECT lease, k1, k2, row_hash, purchases, n FROM unnest($1::uuid[], $2::character varying(20)[], $3::integer[], $4::bigint[], $5::int[]) WITH ORDINALITY AS j(lease, k1, k2, row_hash, purchases, n)),
fenced AS MATERIALIZED (
  SELECT j.n, row_hash, purchases, q.k1, q.k2, q.at, q.attempt, q.kept, q.kept_hash, q.kept_at
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0 AND true),
given_back AS (
  UPDATE embedd.queue_7 q SET lease = NULL, run_at = now() + pg_catalog.make_interval(secs => $6::float8),
                       attempt = least(q.attempt + $7::bigint, 32000)
  FROM fenced f WHERE q.ctid = f.at),
wasted AS (
  INSERT INTO embedd.wasted AS w (vectorizer_id, row_hash, level)
  SELECT 7, f.row_hash, sum(f.purchases) FROM fenced f WHERE f.purchases > 0 GROUP BY f.row_hash ORDER BY f.row_hash
  ON CONFLICT (vectorizer_id, row_hash) DO UPDATE
  SET level = excluded.level + greatest(0, w.level - $8::float8 * extract(epoch FROM now() - w.wasted_at)::float8),
      wasted_at = now())
SELECT string_agg(coalesce(
  CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'd' END,
  CASE WHEN (SELECT true FROM embedd.queue_7 q WHERE q.k1 OPERATOR(pg_catalog.=) j.k1 AND q.k2 OPERATOR(pg_catalog.=) j.k2 AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j
