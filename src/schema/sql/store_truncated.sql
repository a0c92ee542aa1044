-- Makes a walk due, which finds the rows whose chunks are gone.
CREATE FUNCTION embedd.capture_emptied_{id}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{settings} AS $body$
BEGIN
  IF 'on' IN (current_setting('embedd.settles', true), current_setting('embedd.follows', true)) THEN RETURN NULL; END IF;
  PERFORM embedd.record_missed({id}, '00000', '');
  RETURN NULL;
END
$body$
