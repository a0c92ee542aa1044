-- The frame of a trigger function. The check may raise an error or return; what follows is done if it does neither.
-- A block with an exception handler costs half a microsecond, and a transaction id of its own once something is
-- written inside. So what writes stands in such a block only above READ COMMITTED, where PostgreSQL may refuse the
-- write for serialization. Every operator is qualified, because update's function has no pinned search_path.
CREATE FUNCTION embedd.capture_{event}_{id}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{settings} AS $body$
BEGIN
  BEGIN
    {>check}
  EXCEPTION WHEN OTHERS THEN
    {>note_missed}
    RETURN NULL;
  END;
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed' THEN
    {>write}
  ELSE
    BEGIN
      {>write}
    EXCEPTION WHEN OTHERS THEN
      {>note_missed}
    END;
  END IF;
  RETURN NULL;
END
$body$
