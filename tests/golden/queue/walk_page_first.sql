WITH types AS (SELECT FROM public.notes t WHERE embedd.exactly(t.title, NULL::text)), load AS MATERIALIZED (
  SELECT count(*) >= $2::bigint AS deferred FROM (SELECT FROM embedd.queue_7 LIMIT $2::bigint) x),
mine AS MATERIALIZED (
  SELECT v.id FROM embedd.vectorizers v WHERE v.id = 7 AND v.walk_worker = $3::uuid FOR NO KEY UPDATE),
walks AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM mine) AND NOT (SELECT deferred FROM load) AND CASE WHEN (SELECT 'public.notes'::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source AND coalesce(v.destination_column, '') OPERATOR(pg_catalog.=) 'embedding' AND coalesce(v.model_id_column, '') OPERATOR(pg_catalog.=) 'model' AND coalesce(v.model_version_column, '') OPERATOR(pg_catalog.=) 'version' FROM embedd.vectorizers v WHERE v.id = 7) THEN true ELSE pg_catalog.regclass('"the table that this vectorizer reads"'::pg_catalog.text) IS NULL END AS yes),
proven_rows AS MATERIALIZED (
  SELECT CASE
      WHEN v.proven_in = v.walk_in
           AND pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint - v.proven_before::text::bigint
               BETWEEN 0 AND 1500000000
      THEN pg_catalog.age(v.proven_before::xid) ELSE 2147483647 END AS age
  FROM embedd.vectorizers v WHERE v.id = 7),
page AS MATERIALIZED (
  SELECT t."slug" AS k1, t."part" AS k2, pg_catalog.hashtextextended((CASE WHEN embedd.covers_7(t.kind) THEN (t.title || t.body) END) COLLATE pg_catalog."C", 0) AS hash, t."embedding" IS NOT NULL AS stored,
         CASE WHEN pg_catalog.age(t.xmin) <= (SELECT age FROM proven_rows) THEN pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.halfvec_send((t."embedding")::public.halfvec)), 'hex') COLLATE pg_catalog."C", 0) END AS vector_hash,
         coalesce(NULL::text <> '', false) AS refused FROM public.notes t
  WHERE (SELECT yes FROM walks) 
  ORDER BY t."slug", t."part" LIMIT $1::bigint),
proofs AS MATERIALIZED (
  SELECT l.k1, l.k2, l.text_hash, l.vector_hash, l.repairs FROM embedd.ledger_7 l
  WHERE (SELECT yes FROM walks) 
  ORDER BY l.k1, l.k2 LIMIT 2 * $1::bigint),
page_end AS MATERIALIZED (
  SELECT k1, k2 FROM (
    (SELECT k1, k2 FROM page WHERE (SELECT count(*) FROM page) >= $1::bigint ORDER BY page.k1 DESC, page.k2 DESC LIMIT 1)
    UNION ALL
    (SELECT k1, k2 FROM proofs WHERE (SELECT count(*) FROM proofs) >= 2 * $1::bigint ORDER BY proofs.k1 DESC, proofs.k2 DESC LIMIT 1)) x
  ORDER BY k1, k2 LIMIT 1),
merged AS MATERIALIZED (
  SELECT k1, k2, bool_or(there) AS there, max(hash) AS hash, bool_or(stored) AS stored, bool_or(refused) AS refused,
         max(vector_hash) AS vector_hash, max(proven) AS proven, max(proven_vector) AS proven_vector, max(repairs) AS repairs FROM (
    SELECT k1, k2, true AS there, hash, stored, refused, vector_hash, NULL::bigint AS proven, NULL::bigint AS proven_vector,
           NULL::smallint AS repairs FROM page
    UNION ALL
    SELECT k1, k2, false, NULL, NULL, NULL, NULL, text_hash, vector_hash, repairs FROM proofs) m
  WHERE NOT EXISTS (SELECT FROM page_end e WHERE (m.k1, m.k2) > (e.k1, e.k2))
  GROUP BY k1, k2),
judged AS MATERIALIZED (
  SELECT *, there AND coalesce(vector_hash <> proven_vector AND proven = hash, false) AS replaced,
         there AND proven_vector IS NULL AND vector_hash IS NOT NULL AND proven = hash AS first_seen
  FROM merged),
wanted AS MATERIALIZED (
  SELECT q.k1, q.k2, q.replaced FROM judged q
  WHERE q.there
    AND CASE WHEN q.refused THEN true WHEN q.hash IS NULL THEN q.stored
             ELSE NOT q.stored OR q.proven IS DISTINCT FROM q.hash OR (q.replaced AND q.repairs < 3) END
    AND CASE WHEN EXISTS (SELECT FROM embedd.queue_7 w WHERE w.k1 OPERATOR(pg_catalog.=) q.k1 AND w.k2 OPERATOR(pg_catalog.=) q.k2) THEN false ELSE true END
    AND NOT EXISTS (SELECT FROM embedd.dead_letters d
                    WHERE d.vectorizer_id = 7 AND d.key = pg_catalog.jsonb_build_object('slug', q.k1, 'part', q.k2)
                      AND coalesce(d.text_hash, 0) = coalesce(q.hash, 0))),
free AS MATERIALIZED (
  SELECT w.k1, w.k2, w.replaced FROM wanted w CROSS JOIN LATERAL (
    SELECT FROM public.notes t WHERE t."slug" OPERATOR(pg_catalog.=) w.k1 AND t."part" OPERATOR(pg_catalog.=) w.k2 FOR NO KEY UPDATE SKIP LOCKED) t),
enqueued AS (
  INSERT INTO embedd.queue_7 (k1, k2, priority) SELECT f.k1, f.k2, 1 FROM free f
  ON CONFLICT DO NOTHING RETURNING 1),
pardoned AS (
  DELETE FROM embedd.dead_letters d USING free q
  WHERE d.vectorizer_id = 7 AND d.key = pg_catalog.jsonb_build_object('slug', q.k1, 'part', q.k2)),
orphans AS MATERIALIZED (
  SELECT l.at FROM merged m CROSS JOIN LATERAL (
    SELECT l.ctid AS at FROM embedd.ledger_7 l WHERE l.k1 OPERATOR(pg_catalog.=) m.k1 AND l.k2 OPERATOR(pg_catalog.=) m.k2 FOR UPDATE SKIP LOCKED) l
  WHERE NOT m.there),
forgotten AS (
  DELETE FROM embedd.ledger_7 l WHERE l.ctid = ANY (ARRAY(SELECT at FROM orphans))),
noted AS MATERIALIZED (
  SELECT l.at, m.seen, m.repairs FROM (
    SELECT k1, k2, vector_hash AS seen, 0 AS repairs FROM judged WHERE first_seen
    UNION ALL SELECT k1, k2, NULL, 1 FROM free WHERE replaced) m
  CROSS JOIN LATERAL (
    SELECT l.ctid AS at FROM embedd.ledger_7 l WHERE l.k1 OPERATOR(pg_catalog.=) m.k1 AND l.k2 OPERATOR(pg_catalog.=) m.k2 FOR UPDATE SKIP LOCKED) l),
noted_down AS (
  UPDATE embedd.ledger_7 l SET vector_hash = coalesce(l.vector_hash, n.seen), repairs = l.repairs + n.repairs
  FROM noted n WHERE l.ctid = n.at),
made_up AS (
  DELETE FROM embedd.missed_changes m WHERE true AND m.vectorizer_id = 7 AND (SELECT yes FROM walks) RETURNING 1),
answer AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM mine) AS walking, (SELECT deferred FROM load) AS deferred,
         (SELECT count(*) FROM merged WHERE there) AS scanned, (SELECT count(*) FROM enqueued) AS enqueued,
         (SELECT count(*) FROM wanted) - (SELECT count(*) FROM free) AS skipped,
         (SELECT count(*) FROM free WHERE replaced) AS replaced,
         (SELECT count(*) FROM judged WHERE replaced AND repairs >= 3) AS disputed,
         (SELECT yes FROM walks) AND NOT EXISTS (SELECT FROM page_end) AS last),
ended AS MATERIALIZED (
  SELECT v.id, a.skipped + v.walk_skipped AS skipped, a.disputed + v.walk_disputed AS disputed,
         a.last AND a.skipped + v.walk_skipped + a.disputed + v.walk_disputed = 0 AS in_full
  FROM answer a CROSS JOIN embedd.vectorizers v WHERE v.id = 7),
renewed AS (
  UPDATE embedd.vectorizers v
  SET walk_until = CASE WHEN NOT a.last THEN pg_catalog.clock_timestamp() + interval '60 s' END,
      walk_worker = CASE WHEN NOT a.last THEN v.walk_worker END,
      walked_at = CASE WHEN NOT a.last AND EXISTS (SELECT FROM made_up) THEN NULL
                           WHEN NOT a.last THEN v.walked_at
                           WHEN e.skipped = 0 THEN pg_catalog.clock_timestamp()
                           ELSE now() - pg_catalog.make_interval(secs => greatest($4::float8 - 60, 0)) END,
      walk_put_off_at = CASE WHEN NOT a.last THEN v.walk_put_off_at END,
      walk_cursor = CASE WHEN NOT a.last THEN NULL::bytea END,
      walk_began_at = CASE WHEN NOT a.last THEN v.walk_began_at END,
      walk_skipped = e.skipped,
      walk_disputed = CASE WHEN NOT a.last THEN e.disputed ELSE 0 END,
      disputed = CASE WHEN a.last THEN e.disputed ELSE v.disputed END,
      walked_with = CASE WHEN e.in_full THEN v.walk_began_with WHEN NOT a.last THEN v.walked_with END,
      proven_before = CASE WHEN e.in_full THEN v.walk_began_at ELSE v.proven_before END,
      proven_in = CASE WHEN e.in_full THEN v.walk_in ELSE v.proven_in END
  FROM answer a CROSS JOIN ended e WHERE v.id = 7 AND a.walking)
SELECT a.walking, a.deferred, a.scanned, a.enqueued, a.last, a.replaced, a.disputed,
       extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp())::float8,
       e.k1, e.k2
FROM answer a LEFT JOIN page_end e ON true
