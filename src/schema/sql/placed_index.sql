CREATE INDEX ON {placed} (hash)
