-- A job whose text has changed is due now, and nobody's.
lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now()
