-- Runs before the row is written. If the statement sets the vector, the new row has that value. Otherwise the new row has
-- the pointer into the old row's TOAST, with the same length. The function calls pgvector's functions, so every failure is
-- recorded as missed.
CREATE FUNCTION embedd.capture_vector_{id}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
  BEGIN
    IF {untouched} THEN RETURN NEW; END IF;
    IF coalesce(pg_catalog.current_setting('embedd.settles', true), '') OPERATOR(pg_catalog.=) 'on'
        OR NOT pg_catalog.record_image_ne(ROW(OLD.{destination}), ROW(NEW.{destination})) THEN
      RETURN NEW;
    END IF;
    {>refuse_other_key_types}
    IF pg_catalog.pg_typeof(OLD.{destination}) OPERATOR(pg_catalog.<>) {destination_type}::pg_catalog.regtype THEN
      RETURN NEW;
    END IF;
    PERFORM embedd.capture_replaced_{id}({old_row}, OLD.{destination});
  EXCEPTION WHEN OTHERS THEN
    {>record_missed}
    RETURN NEW;
  END;
  RETURN NEW;
END
$body$
