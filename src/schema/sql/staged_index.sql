CREATE INDEX ON {staged} (hash)
