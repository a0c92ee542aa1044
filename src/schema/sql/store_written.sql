-- Somebody else has written to the store, so the row is looked at again.
CREATE FUNCTION embedd.capture_store_{id}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{settings} AS $body$
BEGIN
  IF 'on' IN (current_setting('embedd.settles', true), current_setting('embedd.follows', true)) THEN RETURN NULL; END IF;
  BEGIN
    {>refuse_other_key_types}
    IF TG_OP <> 'INSERT' THEN
      INSERT INTO {queue} AS q ({keys}) SELECT {old_row}
      ON CONFLICT ({keys}) DO UPDATE SET {>reset};
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO {queue} AS q ({keys}) SELECT {new_row}
      ON CONFLICT ({keys}) DO UPDATE SET {>reset};
    END IF;
    IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {id}) THEN
      IF TG_OP <> 'INSERT' THEN PERFORM embedd.capture_forget_{id}({old_row}); END IF;
      IF TG_OP <> 'DELETE' THEN PERFORM embedd.capture_forget_{id}({new_row}); END IF;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    {>record_missed}
  END;
  RETURN NULL;
END
$body$
