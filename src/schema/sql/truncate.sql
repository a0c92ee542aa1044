-- The user's transaction has locked the table for itself, and workers' statements that have locked queue and ledger
-- may be waiting for it. So no table's lock is waited for, and nothing that would fail the TRUNCATE at REPEATABLE
-- READ may fail it. What stays is the worker's to clear away: jobs and proofs whose row is gone. More than
-- {most_jobs} deleted jobs would be noticed.
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
    {>note_missed}
  END;
  RETURN NULL;
END
$body$
