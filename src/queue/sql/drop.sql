-- A text that changes takes the lease away; a vector that is replaced does not, so it is compared again.
proven AS MATERIALIZED (
  SELECT f.n, f.at FROM fenced f
  WHERE (SELECT l.vector_hash IS NULL OR l.vector_hash = (SELECT {vector_hash} FROM {source} t WHERE {t=f})
         FROM {ledger} l WHERE {l=f})),
deleted AS (DELETE FROM {queue} q USING proven f WHERE q.ctid = f.at)
