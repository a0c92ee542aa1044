-- A table that was dropped and restored, from a dump for example, has another oid, and may have embedd's triggers all the
-- same. These find it by them, and take it up.

-- The source table of a vectorizer: the one that it was made for; if that is gone, the one that has all four of its
-- triggers. NULL if there is none.
CREATE FUNCTION embedd.source_of(vectorizer bigint) RETURNS oid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT coalesce(
    (SELECT c.oid FROM embedd.vectorizers v JOIN pg_class c ON c.oid = v.source WHERE v.id = vectorizer),
    (SELECT g.tgrelid
     FROM unnest(ARRAY['insert', 'update', 'delete', 'truncate']) AS event
     JOIN pg_proc f ON f.proname = format('capture_%s_%s', event, vectorizer) AND f.pronamespace = 'embedd'::regnamespace
     JOIN pg_trigger g ON g.tgfoid = f.oid AND g.tgparentid = 0
     GROUP BY g.tgrelid HAVING count(DISTINCT event) = 4 ORDER BY g.tgrelid LIMIT 1))
$function$;

-- The same, and from now on the vectorizer is that table's: its rows are walked through anew, since a restore fires no
-- triggers. Nobody but a trigger's owner can put embedd's triggers on a table, so whoever may call this chooses nothing.
CREATE FUNCTION embedd.adopt_source(vectorizer bigint) RETURNS oid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  source_now oid := embedd.source_of(vectorizer);
BEGIN
  UPDATE embedd.vectorizers v
  SET source = source_now, reconciled_at = NULL, reconcile_until = NULL, source_schema = n.nspname, source_table = c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = source_now
    AND v.id = (SELECT a.id FROM embedd.vectorizers a WHERE a.id = vectorizer AND a.source <> source_now
                FOR NO KEY UPDATE SKIP LOCKED);
  RETURN source_now;
END
$function$;

-- Asked where a --where has failed on some row of a statement, to find out on which: NULL if the row is covered, '' if it
-- is not, else why nobody can say. What is wrong with the vectorizer or the database, and not with the row, fails as ever.
CREATE FUNCTION embedd.refusal(filter text, source_row anyelement) RETURNS text
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
  RETURN 'the condition of --where fails on this row: ' || left(SQLERRM, 1000);
END
$function$;
