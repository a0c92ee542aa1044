-- Some chunks have got their vectors: rows of which all chunks have vectors are now due. A row whose job is being written
-- is left alone. From here on, transactions in which chunks of one store arrive run one after another. Otherwise, of two
-- at once, neither would see the other's chunk, and both would leave alone a row that lacked these two chunks. A
-- transaction that takes this lock has all other locks that it will need. A row that is overlooked here is looked at
-- again after some seconds, so a failure here must not fail the settlement.
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
