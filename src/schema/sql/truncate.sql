-- The user's transaction has locked the table exclusively, and workers' statements that have locked the queue and the
-- ledger may be waiting for the table. So this function waits for no table's lock. Nor may it fail the TRUNCATE at
-- REPEATABLE READ. It deletes at most {most_jobs} jobs, which takes no noticeable time; workers remove the other jobs and
-- the proofs of rows that are gone.
CREATE FUNCTION embedd.capture_truncate_{id}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{settings} AS $body$
BEGIN
  BEGIN
    BEGIN
      DELETE FROM embedd.dead_letters WHERE vectorizer_id = {id};
      DELETE FROM {queue} WHERE ctid = ANY (ARRAY(SELECT q.ctid FROM {queue} q LIMIT {most_jobs} FOR UPDATE SKIP LOCKED));
    EXCEPTION WHEN serialization_failure THEN NULL;
    END;
    BEGIN
      LOCK TABLE {ledger} IN ACCESS EXCLUSIVE MODE NOWAIT;
      TRUNCATE {ledger};
    EXCEPTION WHEN lock_not_available THEN
      BEGIN
        DELETE FROM {ledger};
      EXCEPTION WHEN serialization_failure THEN NULL;
      END;
    END;{truncate_chunks}
  EXCEPTION WHEN OTHERS THEN
    {>record_missed}
  END;
  RETURN NULL;
END
$body$
