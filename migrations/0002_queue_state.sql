-- What a poll wants to know of a vectorizer's queue, in the poll's own statement: one for all vectorizers. Never a full
-- count: the queue's first entries by index, and up to 10,000 of its rows. A queue that cannot be read says so in
-- `problem`, and spoils no other's answer.
CREATE FUNCTION embedd.queue_state(vectorizer bigint, OUT due boolean, OUT waiting boolean,
                                   OUT oldest_seconds double precision, OUT jobs bigint, OUT dead_letters bigint,
                                   OUT problem text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  queue text := format('embedd.%I', 'queue_' || vectorizer);
BEGIN
  EXECUTE format($query$
    SELECT coalesce(first.run_at <= now(), false), first.run_at IS NOT NULL,
           CASE WHEN first.run_at <= now() THEN extract(epoch FROM now() - first.run_at)::float8 END,
           CASE WHEN counted.jobs < 10000 THEN counted.jobs
                ELSE greatest(counted.jobs, (SELECT reltuples::bigint FROM pg_class WHERE oid = $1::regclass)) END
    FROM (SELECT least((SELECT run_at FROM %1$s WHERE priority = 0 ORDER BY run_at LIMIT 1),
                       (SELECT run_at FROM %1$s WHERE priority = 1 ORDER BY run_at LIMIT 1)) AS run_at) first,
         (SELECT count(*) AS jobs FROM (SELECT FROM %1$s LIMIT 10000) bounded) counted
    $query$, queue) INTO due, waiting, oldest_seconds, jobs USING queue;
  dead_letters := (SELECT count(*) FROM (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = vectorizer LIMIT 1000) bounded);
EXCEPTION WHEN OTHERS THEN
  problem := SQLERRM;
END
$function$;
