-- What a poll wants to know of a vectorizer's queue, in the poll's own statement: one for all vectorizers. Never a full
-- count: the queue's first jobs by index, and up to 10,000 of them. A queue that cannot be read says so in `problem`, and
-- spoils no other's answer.
--
-- A job that is done leaves its index entries behind, and as long as somebody holds an old snapshot nobody may clear them
-- away. Reading from the beginning passes over all of them, so a caller who has done it before may name times before which
-- no job was. It is told the times of the first jobs, and how long it took to find them.
DROP FUNCTION embedd.queue_state(bigint);
CREATE FUNCTION embedd.queue_state(vectorizer bigint, live_since timestamptz DEFAULT '-infinity',
                                   backfill_since timestamptz DEFAULT '-infinity', OUT due boolean, OUT waiting boolean,
                                   OUT oldest_seconds double precision, OUT jobs bigint, OUT dead_letters bigint,
                                   OUT problem text, OUT first_live timestamptz, OUT first_backfill timestamptz,
                                   OUT reading_seconds double precision)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS $function$
DECLARE
  queue text := format('embedd.%I', 'queue_' || vectorizer);
  began timestamptz := clock_timestamp();
  first timestamptz;
BEGIN
  EXECUTE format($query$
    SELECT (SELECT run_at FROM %1$s WHERE priority = 0 AND run_at >= $1 ORDER BY run_at LIMIT 1),
           (SELECT run_at FROM %1$s WHERE priority = 1 AND run_at >= $2 ORDER BY run_at LIMIT 1)
    $query$, queue) INTO first_live, first_backfill USING live_since, backfill_since;
  reading_seconds := extract(epoch FROM clock_timestamp() - began);
  first := least(first_live, first_backfill);
  waiting := first IS NOT NULL;
  due := waiting AND first <= now();
  oldest_seconds := CASE WHEN due THEN extract(epoch FROM now() - first) END;
  jobs := 0;
  IF waiting THEN
    EXECUTE format($query$
      SELECT count(*) FROM ((SELECT FROM %1$s WHERE priority = 0 AND run_at >= $1 LIMIT 10000) UNION ALL
                            (SELECT FROM %1$s WHERE priority = 1 AND run_at >= $2 LIMIT 10000)) bounded
      $query$, queue) INTO jobs USING first_live, first_backfill;
    IF jobs >= 10000 THEN
      jobs := greatest(jobs, (SELECT reltuples::bigint FROM pg_class WHERE oid = queue::regclass));
    END IF;
  END IF;
  dead_letters := (SELECT count(*) FROM (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = vectorizer LIMIT 1000) bounded);
EXCEPTION WHEN OTHERS THEN
  problem := SQLERRM;
END
$function$;

REVOKE EXECUTE ON FUNCTION embedd.queue_state FROM PUBLIC;
