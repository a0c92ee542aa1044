-- If the vector that is being replaced is the proven one, the job keeps it, because it is paid for. Any other vector is not
-- kept. A worker that has claimed the job keeps its lease: it may be buying the row's vector, and stores it whatever is in
-- the column. If the row is a dead letter, it becomes a job again.
CREATE FUNCTION embedd.capture_replaced_{id}({typed_old}, v {stored}) RETURNS void LANGUAGE plpgsql{settings} AS $body$
BEGIN
  INSERT INTO {queue} AS q ({keys}, kept, kept_hash, kept_at)
  SELECT {old}, CASE WHEN l.text_hash IS NOT NULL THEN v END, l.text_hash, CASE WHEN l.text_hash IS NOT NULL THEN now() END
  FROM (SELECT) one LEFT JOIN {ledger} l ON {l_is_old} AND l.vector_hash = {hash}
  ON CONFLICT ({keys}) DO UPDATE
  SET lease = CASE WHEN q.run_at > now() THEN q.lease END,
      run_at = CASE WHEN q.lease IS NOT NULL THEN greatest(q.run_at, now()) ELSE now() END,
      attempt = 0, priority = 0, changed_at = now(),
      kept = coalesce(q.kept, excluded.kept), kept_at = coalesce(q.kept_at, excluded.kept_at),
      kept_hash = CASE WHEN q.kept IS NULL THEN excluded.kept_hash ELSE q.kept_hash END;
  IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {id}) THEN
    PERFORM embedd.capture_forget_{id}({old});
  END IF;
  {hint}
END
$body$
