-- Steps of the walk. Chunks of rows that are gone; chunks that wait for vectors and that no row has staged; rows that
-- were staged and have no job any more. A dead letter keeps what was bought for it.
emptied AS (DELETE FROM {store} s USING merged m WHERE {s=m} AND NOT m.there),
displaced AS (DELETE FROM {placed} o USING merged m WHERE {o=m} AND NOT m.there),
unasked AS (
  DELETE FROM {chunks} x WHERE x.ctid = ANY (ARRAY(
    SELECT x.ctid FROM {chunks} x
    WHERE (SELECT yes FROM walks) AND NOT EXISTS (SELECT FROM {staged} g WHERE g.hash = x.hash)
    LIMIT 1000 FOR UPDATE SKIP LOCKED))),
unstaged AS (
  DELETE FROM {staged} g WHERE g.ctid = ANY (ARRAY(
    SELECT q.ctid FROM {staged} q
    WHERE (SELECT yes FROM walks) AND NOT EXISTS (SELECT FROM {queue} w WHERE {w=q})
      AND NOT EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {id} AND d.key = {key_json})
    LIMIT 1000 FOR UPDATE SKIP LOCKED))),
