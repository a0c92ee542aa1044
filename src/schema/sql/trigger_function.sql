-- The frame of a trigger function. The check may raise an error or return; otherwise the actions follow.
-- A block with an exception handler takes half a microsecond, and a transaction id of its own if it writes. So the writes
-- are in such a block only above READ COMMITTED, where PostgreSQL may refuse them for serialization. Every operator is
-- qualified, because the function of update has no pinned search_path.
CREATE FUNCTION embedd.capture_{event}_{id}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{settings} AS $body$
BEGIN
  BEGIN
    {>check}
  EXCEPTION WHEN OTHERS THEN
    {>record_missed}
    RETURN NULL;
  END;
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed' THEN
    {>write}
  ELSE
    BEGIN
      {>write}
    EXCEPTION WHEN OTHERS THEN
      {>record_missed}
    END;
  END IF;
  RETURN NULL;
END
$body$
