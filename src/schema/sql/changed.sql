-- When a key changes, the job of the old key stays: the worker finds out whether the row is gone, or another row has the
-- key now. The ledger row moves to the new key only if the new key has none: after a shift of many keys
-- (`SET id = id + 1`) the ledger row would be about another row.
CREATE FUNCTION embedd.capture_changed_{id}({typed_old}, {typed_new}) RETURNS void LANGUAGE plpgsql{settings} AS $body$
BEGIN
  IF ({old}) IS DISTINCT FROM ({new}) THEN
    UPDATE {queue} q SET {>reset} WHERE {q_is_old};
    {move_staged}IF EXISTS (SELECT FROM {ledger} q WHERE {q_is_new}) OR NOT EXISTS (SELECT FROM {ledger} q WHERE {q_is_old}) THEN
      DELETE FROM {ledger} q WHERE ({q_is_old}) OR ({q_is_new});
    ELSE
      UPDATE {ledger} q SET {move} WHERE {q_is_old};{move_chunks}
    END IF;
    IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {id}) THEN
      PERFORM embedd.capture_forget_{id}({old});
    END IF;
  END IF;
  {>enqueue}
  IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {id}) THEN
    PERFORM embedd.capture_forget_{id}({new});
  END IF;
  {hint}
END
$body$
