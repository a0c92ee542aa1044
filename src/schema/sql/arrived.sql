-- Chunks have got their vectors: rows that lack no vector any more are due. A row whose job is being written is left
-- alone. Chunks of one store arrive one transaction after another from here on: of two at once, neither would see the
-- other's chunk, and both would leave alone a row that lacked these two. Whoever takes this lock has all other locks
-- that it will need. A row that is overlooked here is looked at after some seconds, so no failure here is worth the
-- settlement's.
CREATE FUNCTION embedd.capture_arrived_{id}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{settings} AS $body$
BEGIN
  {one_at_a_time}
  UPDATE {queue} q SET run_at = now()
  FROM (
    SELECT q.ctid AS at FROM {queue} q
    WHERE ({qualified_keys}) IN (SELECT {staged_keys} FROM {arrived} r JOIN {staged} g ON g.hash = r.hash WHERE r.embedding IS NOT NULL)
      AND q.kept_hash IS NOT NULL AND q.lease IS NULL AND q.run_at > now()
      AND NOT EXISTS (SELECT FROM {staged} g WHERE {g_is_q} AND NOT EXISTS ({chunk_vector}))
    FOR UPDATE SKIP LOCKED) due
  WHERE q.ctid = due.at;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END
$body$
