-- A job whose text has changed is due now and has no lease. Its text is cut from the beginning, because the staged chunks
-- may have moved to another key.
lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now(){forget_cut}
