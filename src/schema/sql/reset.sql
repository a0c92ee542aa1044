-- A job whose text has changed is due now, and nobody's. Its text is cut from the begin: what was staged may have moved
-- to another key.
lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now(){forget_cut}
