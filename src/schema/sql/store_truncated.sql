-- The next walk finds the rows whose chunks are gone.
CREATE FUNCTION embedd.capture_emptied_{id}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{settings} AS $body$
BEGIN
  IF coalesce(current_setting('embedd.settles', true), '') <> 'on' THEN
    PERFORM embedd.note_missed({id}, '00000', '');
  END IF;
  RETURN NULL;
END
$body$
