WITH RECURSIVE load AS MATERIALIZED (
  SELECT count(*) >= $1::bigint AS deferred FROM (SELECT FROM embedd.queue_7 LIMIT $1::bigint) x),
family AS (
  SELECT v.source::oid AS oid FROM embedd.vectorizers v WHERE v.id = 7
  UNION SELECT i.inhrelid FROM family f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid),
taken AS MATERIALIZED (
  SELECT v.*, pg_catalog.concat_ws('/', embedd.this_database(), v.source::oid, (
           SELECT pg_catalog.md5(string_agg(f.oid::text, ',' ORDER BY f.oid)) FROM family f)) AS here
  FROM embedd.vectorizers v
  WHERE v.id = 7 AND (v.walk_until IS NULL OR v.walk_until <= now() OR v.walk_worker = $3::uuid) FOR NO KEY UPDATE SKIP LOCKED),
history AS MATERIALIZED (
  SELECT CASE WHEN pg_catalog.current_setting('track_counts')::boolean
                   AND pg_catalog.current_setting('server_version_num')::int >= 150000
    THEN pg_catalog.concat_ws(' ', (SELECT here FROM taken),
      extract(epoch FROM pg_catalog.pg_postmaster_start_time()),
      extract(epoch FROM pg_catalog.pg_stat_get_bgwriter_stat_reset_time()),
      (SELECT extract(epoch FROM pg_catalog.pg_stat_get_db_stat_reset_time(d.oid)) FROM pg_catalog.pg_database d
       WHERE d.datname = pg_catalog.current_database()),
      pg_catalog.pg_stat_get_tuples_deleted('embedd.dead_letters'::regclass),
      pg_catalog.md5(string_agg(pg_catalog.concat_ws(' ', c.oid, c.relfilenode, pg_catalog.pg_stat_get_tuples_inserted(c.oid),
        pg_catalog.pg_stat_get_tuples_updated(c.oid), pg_catalog.pg_stat_get_tuples_deleted(c.oid)), ',' ORDER BY c.oid)))
    END AS says
  FROM pg_catalog.pg_class c
  WHERE c.oid IN (SELECT oid FROM family UNION ALL SELECT 'embedd.queue_7'::regclass UNION ALL SELECT 'embedd.ledger_7'::regclass)),
seen AS MATERIALIZED (
  SELECT v.*, l.deferred, h.says,
         EXISTS (SELECT FROM embedd.missed_changes m WHERE m.vectorizer_id = v.id) AS missed,
         (SELECT count(*) = 5 FROM pg_catalog.pg_trigger g
          WHERE g.tgrelid = v.source::oid AND g.tgenabled IN ('O', 'A')
            AND g.tgname IN ('embedd_insert_7', 'embedd_update_7', 'embedd_delete_7', 'embedd_truncate_7',
                             'embedd_vector_7')) AS captured
  FROM taken v CROSS JOIN load l CROSS JOIN history h),
verdict AS MATERIALIZED (
  SELECT s.*,
         coalesce(NOT s.missed AND s.captured AND s.filter_sql IS NULL AND s.walk_began_at IS NULL AND s.walked_with = s.says
                  AND greatest(s.walked_at, s.walk_put_off_at) <= now() - pg_catalog.make_interval(secs => $2::float8)
                  AND s.walked_at > now() - interval '1 day' + pg_catalog.make_interval(secs => $2::float8), false) AS put_off,
         coalesce(NOT s.missed AND s.walk_began_at IS NOT NULL AND s.walk_cursor IS NOT NULL AND s.walk_in = s.here, false) AS resumed
  FROM seen s),
begun AS (
  UPDATE embedd.vectorizers v
  SET walk_until = CASE WHEN NOT d.put_off THEN pg_catalog.clock_timestamp() + interval '60 s' END,
      walk_worker = CASE WHEN NOT d.put_off THEN $3::uuid END,
      walk_put_off_at = CASE WHEN d.put_off THEN now() ELSE v.walk_put_off_at END,
      walk_cursor = CASE WHEN d.resumed THEN v.walk_cursor END,
      walk_in = d.here,
      walk_began_at = CASE WHEN d.put_off THEN NULL WHEN d.resumed THEN v.walk_began_at
                           ELSE pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) END,
      walk_began_with = CASE WHEN d.resumed THEN v.walk_began_with ELSE d.says END,
      walk_skipped = CASE WHEN d.resumed THEN v.walk_skipped ELSE 0 END,
      walk_disputed = CASE WHEN d.resumed THEN v.walk_disputed ELSE 0 END
  FROM verdict d WHERE v.id = 7 AND NOT d.deferred)
SELECT d.deferred, d.put_off, NOT d.missed AND d.walked_at IS NOT NULL, CASE WHEN d.resumed THEN d.walk_cursor END
FROM verdict d
