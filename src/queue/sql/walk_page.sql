-- Reads one page in the order of the key: source rows and ledger rows side by side, each up to a limit. The page ends
-- where the first of the two ends. Rows that users have locked are skipped, because inserting the job of a row whose update
-- is not committed would wait for that user; the walk is then due again soon. A stored vector without a proof may be any
-- vector, so its row is embedded. Proofs of rows that are gone are removed.
-- The walk finds all that the triggers missed before its first page. If the walk does not reach its end, it is due again.
-- A vector is read, and compared with its proof, only if its row was written since the last complete walk began: no older
-- row can have changed. A proof without a hash of the vector takes the hash of the vector that is there.
-- A row whose vector was replaced kMostRepairs times is left alone: something replaces the vector after each storing, and
-- each repair would be bought.
WITH {types}, load AS MATERIALIZED (
  SELECT count(*) >= $2::bigint AS deferred FROM (SELECT FROM {queue} LIMIT $2::bigint) x),
mine AS MATERIALIZED (
  SELECT v.id FROM embedd.vectorizers v WHERE v.id = {id} AND v.walk_worker = $3::uuid FOR NO KEY UPDATE),
walks AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM mine) AND NOT (SELECT deferred FROM load) AND {here} AS yes),
proven_rows AS MATERIALIZED (
  SELECT CASE
      WHEN v.proven_in = v.walk_in
           AND pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint - v.proven_before::text::bigint
               BETWEEN 0 AND 1500000000
      THEN pg_catalog.age(v.proven_before::xid) ELSE 2147483647 END AS age
  FROM embedd.vectorizers v WHERE v.id = {id}),
page AS MATERIALIZED (
  SELECT {keys:t}, {hash} AS hash, {has_vector} AS stored,
         CASE WHEN {written_since} THEN {vector_hash} END AS vector_hash,
         coalesce({refusal} <> '', false) AS refused FROM {source} t
  WHERE (SELECT yes FROM walks) {after_page}
  ORDER BY {row:t} LIMIT $1::bigint),
proofs AS MATERIALIZED (
  SELECT {keys:l}, l.text_hash, l.vector_hash, l.repairs FROM {ledger} l
  WHERE (SELECT yes FROM walks) {after_proofs}
  ORDER BY {row:l} LIMIT 2 * $1::bigint),
page_end AS MATERIALIZED (
  SELECT {keys} FROM (
    (SELECT {keys} FROM page WHERE (SELECT count(*) FROM page) >= $1::bigint ORDER BY {desc:page} LIMIT 1)
    UNION ALL
    (SELECT {keys} FROM proofs WHERE (SELECT count(*) FROM proofs) >= 2 * $1::bigint ORDER BY {desc:proofs} LIMIT 1)) x
  ORDER BY {keys} LIMIT 1),
merged AS MATERIALIZED (
  SELECT {keys}, bool_or(there) AS there, max(hash) AS hash, bool_or(stored) AS stored, bool_or(refused) AS refused,
         max(vector_hash) AS vector_hash, max(proven) AS proven, max(proven_vector) AS proven_vector, max(repairs) AS repairs FROM (
    SELECT {keys}, true AS there, hash, stored, refused, vector_hash, NULL::bigint AS proven, NULL::bigint AS proven_vector,
           NULL::smallint AS repairs FROM page
    UNION ALL
    SELECT {keys}, false, NULL, NULL, NULL, NULL, text_hash, vector_hash, repairs FROM proofs) m
  WHERE NOT EXISTS (SELECT FROM page_end e WHERE ({row:m}) > ({row:e}))
  GROUP BY {keys}),
judged AS MATERIALIZED (
  SELECT *, there AND coalesce(vector_hash <> proven_vector AND proven = hash, false) AS replaced,
         there AND proven_vector IS NULL AND vector_hash IS NOT NULL AND proven = hash AS first_seen
  FROM merged),
wanted AS MATERIALIZED (
  SELECT {keys:q}, q.replaced FROM judged q
  WHERE q.there
    AND CASE WHEN q.refused THEN true WHEN q.hash IS NULL THEN {has_any}
             ELSE NOT q.stored OR q.proven IS DISTINCT FROM q.hash OR (q.replaced AND q.repairs < {most_repairs}) END
    AND CASE WHEN EXISTS (SELECT FROM {queue} w WHERE {w=q}) THEN false ELSE true END
    AND NOT EXISTS (SELECT FROM embedd.dead_letters d
                    WHERE d.vectorizer_id = {id} AND d.key = {key_json}
                      AND coalesce(d.text_hash, 0) = coalesce(q.hash, 0))),
free AS MATERIALIZED (
  SELECT {keys:w}, w.replaced FROM wanted w CROSS JOIN LATERAL (
    SELECT FROM {source} t WHERE {t=w} FOR NO KEY UPDATE SKIP LOCKED) t),
enqueued AS (
  INSERT INTO {queue} ({keys}, priority) SELECT {keys:f}, 1 FROM free f
  ON CONFLICT DO NOTHING RETURNING 1),
pardoned AS (
  DELETE FROM embedd.dead_letters d USING free q
  WHERE d.vectorizer_id = {id} AND d.key = {key_json}),
orphans AS MATERIALIZED (
  SELECT l.at FROM merged m CROSS JOIN LATERAL (
    SELECT l.ctid AS at FROM {ledger} l WHERE {l=m} FOR UPDATE SKIP LOCKED) l
  WHERE NOT m.there),
forgotten AS (
  DELETE FROM {ledger} l WHERE l.ctid = ANY (ARRAY(SELECT at FROM orphans))),
{forget_chunks}noted AS MATERIALIZED (
  SELECT l.at, m.seen, m.repairs FROM (
    SELECT {keys}, vector_hash AS seen, 0 AS repairs FROM judged WHERE first_seen
    UNION ALL SELECT {keys}, NULL, 1 FROM free WHERE replaced) m
  CROSS JOIN LATERAL (
    SELECT l.ctid AS at FROM {ledger} l WHERE {l=m} FOR UPDATE SKIP LOCKED) l),
noted_down AS (
  UPDATE {ledger} l SET vector_hash = coalesce(l.vector_hash, n.seen), repairs = l.repairs + n.repairs
  FROM noted n WHERE l.ctid = n.at),
made_up AS (
  DELETE FROM embedd.missed_changes m WHERE {first} AND m.vectorizer_id = {id} AND (SELECT yes FROM walks) RETURNING 1),
answer AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM mine) AS walking, (SELECT deferred FROM load) AS deferred,
         (SELECT count(*) FROM merged WHERE there) AS scanned, (SELECT count(*) FROM enqueued) AS enqueued,
         (SELECT count(*) FROM wanted) - (SELECT count(*) FROM free) AS skipped,
         (SELECT count(*) FROM free WHERE replaced) AS replaced,
         (SELECT count(*) FROM judged WHERE replaced AND repairs >= {most_repairs}) AS disputed,
         (SELECT yes FROM walks) AND NOT EXISTS (SELECT FROM page_end) AS last),
ended AS MATERIALIZED (
  SELECT v.id, a.skipped + v.walk_skipped AS skipped, a.disputed + v.walk_disputed AS disputed,
         a.last AND a.skipped + v.walk_skipped + a.disputed + v.walk_disputed = 0 AS in_full
  FROM answer a CROSS JOIN embedd.vectorizers v WHERE v.id = {id}),
renewed AS (
  UPDATE embedd.vectorizers v
  SET walk_until = CASE WHEN NOT a.last THEN pg_catalog.clock_timestamp() + interval '60 s' END,
      walk_worker = CASE WHEN NOT a.last THEN v.walk_worker END,
      walked_at = CASE WHEN NOT a.last AND EXISTS (SELECT FROM made_up) THEN NULL
                           WHEN NOT a.last THEN v.walked_at
                           WHEN e.skipped = 0 THEN pg_catalog.clock_timestamp()
                           ELSE now() - pg_catalog.make_interval(secs => greatest($4::float8 - 60, 0)) END,
      walk_put_off_at = CASE WHEN NOT a.last THEN v.walk_put_off_at END,
      walk_cursor = CASE WHEN NOT a.last THEN {begins_at} END,
      walk_began_at = CASE WHEN NOT a.last THEN v.walk_began_at END,
      walk_skipped = e.skipped,
      walk_disputed = CASE WHEN NOT a.last THEN e.disputed ELSE 0 END,
      disputed = CASE WHEN a.last THEN e.disputed ELSE v.disputed END,
      walked_with = CASE WHEN e.in_full THEN v.walk_began_with WHEN NOT a.last THEN v.walked_with END,
      proven_before = CASE WHEN e.in_full THEN v.walk_began_at ELSE v.proven_before END,
      proven_in = CASE WHEN e.in_full THEN v.walk_in ELSE v.proven_in END
  FROM answer a CROSS JOIN ended e WHERE v.id = {id} AND a.walking)
SELECT a.walking, a.deferred, a.scanned, a.enqueued, a.last, a.replaced, a.disputed,
       extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp())::float8,
       {out:e}
FROM answer a LEFT JOIN page_end e ON true
