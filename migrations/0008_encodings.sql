-- A database whose encoding is not UTF-8 can hold texts that cannot be converted to it, and one such text fails a whole
-- statement. These are asked about one text at a time, once a statement has failed. And a message of the database's may
-- quote the row that it is about: nothing repeats it as it is but a dead letter, if that is asked for.

-- The SQLSTATE with which the text cannot be converted to UTF-8; NULL if it can.
CREATE FUNCTION embedd.utf8_problem(value text) RETURNS text
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  PERFORM convert_to(value, 'UTF8');
  RETURN NULL;
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
  RETURN SQLSTATE;
END
$function$;

-- The text, with <fc> in place of a character that cannot be converted; for people's eyes, and good inside of JSON.
CREATE FUNCTION embedd.readable(value text) RETURNS text
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  piece text;
  shown text := '';
BEGIN
  IF embedd.utf8_problem(value) IS NULL THEN
    RETURN value;
  END IF;
  FOREACH piece IN ARRAY regexp_split_to_array(value, '') LOOP
    IF embedd.utf8_problem(piece) IS NOT NULL THEN
      piece := format('<%s>', encode(convert_to(piece, getdatabaseencoding()), 'hex'));
    END IF;
    shown := shown || piece;
  END LOOP;
  RETURN shown;
END
$function$;

-- The text whose bytes, in the database's own encoding, these are: keys travel so, and are never converted. Its collation is
-- the database's, whereas that of convert_from() would be "C", the one of the encoding's name.
CREATE FUNCTION embedd.text_of(bytes bytea) RETURNS text
LANGUAGE sql STABLE STRICT AS $function$
  SELECT pg_catalog.convert_from(bytes, pg_catalog.getdatabaseencoding())
$function$;

-- As before, with the SQLSTATE in front of the database's message.
CREATE OR REPLACE FUNCTION embedd.refusal(filter text, source_row anyelement) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  covered boolean;
BEGIN
  EXECUTE 'SELECT ' || filter || ' FROM (SELECT ($1).*) t' INTO covered USING source_row;
  RETURN CASE WHEN covered THEN NULL ELSE '' END;
EXCEPTION WHEN OTHERS THEN
  IF left(SQLSTATE, 2) IN ('08', '25', '28', '3D', '3F', '40', '42', '53', '55', '57', '58', 'XX') THEN
    RAISE;
  END IF;
  RETURN SQLSTATE || ' ' || embedd.readable(left(SQLERRM, 1000));
END
$function$;

REVOKE EXECUTE ON FUNCTION embedd.utf8_problem(text), embedd.readable(text), embedd.text_of(bytea) FROM PUBLIC;
