-- Steps of the walk: delete chunks of rows that are gone, waiting chunks that no row has staged, and staged rows that
-- have no job. A dead letter keeps the chunks that were bought for it.
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
