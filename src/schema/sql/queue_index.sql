CREATE INDEX ON {queue} (priority, run_at)
