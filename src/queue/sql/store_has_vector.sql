-- Every chunk that was placed is in the store.
EXISTS (SELECT FROM {store} s WHERE {s=t})
AND NOT EXISTS (
  SELECT FROM {placed} o WHERE {o=t} AND NOT EXISTS (SELECT FROM {store} s WHERE {s=o} AND s.chunk_seq = o.seq))
