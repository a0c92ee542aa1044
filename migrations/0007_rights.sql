-- Who may call what, and what becomes of a change that a trigger could not capture.

-- PostgreSQL grants every function to everybody unless told otherwise. What remains reads the catalog for whoever may read
-- embedd.vectorizers, and has nobody's rights but the caller's.
REVOKE EXECUTE ON FUNCTION embedd.queue_state, embedd.adopt_source, embedd.refusal FROM PUBLIC;

-- A trigger of embedd's never fails its user's statement: what it could not do is noted here, once until a walk over the
-- source has made up for it. No key, so that no user waits for another.
CREATE TABLE embedd.missed_changes (
  vectorizer_id bigint NOT NULL,
  sqlstate      text NOT NULL,
  message       text NOT NULL,                 -- of an error about names and types; of others it could quote a row
  missed_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION embedd.note_missed(vectorizer bigint, sqlstate text, message text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM embedd.missed_changes m WHERE m.vectorizer_id = vectorizer) THEN
    INSERT INTO embedd.missed_changes (vectorizer_id, sqlstate, message)
    VALUES (vectorizer, sqlstate, CASE WHEN left(sqlstate, 2) = '42' THEN left(message, 300) ELSE '' END);
  END IF;
EXCEPTION WHEN OTHERS THEN
  NULL;  -- a copy of the table without all of this schema
END
$function$;
REVOKE EXECUTE ON FUNCTION embedd.note_missed FROM PUBLIC;

-- Whether two values are of the same type: a statement that asks it of a column and a type is refused, before anything in it
-- runs, where the column has another. (A comparison or a cast would look for a conversion, and that may be anybody's.)
CREATE FUNCTION embedd.exactly(anyelement, anyelement) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS 'SELECT true';

-- The columns that the vectorizer reads, and the types that they had when it was created.
ALTER TABLE embedd.vectorizers
  ADD COLUMN read_columns text[] NOT NULL DEFAULT '{}',
  ADD COLUMN read_types text[] NOT NULL DEFAULT '{}';

-- That question for each of them, over alias t. A column of the text or the filter that has another of PostgreSQL's own types by
-- now is asked for that one: those have no conversions but PostgreSQL's.
CREATE FUNCTION embedd.types_of(vectorizer bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT coalesce(string_agg(format('embedd.exactly(t.%I, NULL::%s)', c.name,
                                    CASE WHEN c.name <> ALL (v.key_columns) AND t.typnamespace = 'pg_catalog'::regnamespace
                                              AND t.typtype <> 'd' AND coalesce(e.typnamespace = 'pg_catalog'::regnamespace, true)
                                         THEN format('pg_catalog.%I', t.typname) ELSE c.type END), ' AND ' ORDER BY c.n), 'true')
  FROM embedd.vectorizers v
  CROSS JOIN LATERAL unnest(v.read_columns, v.read_types) WITH ORDINALITY AS c (name, type, n)
  LEFT JOIN pg_attribute a ON a.attrelid = v.source AND a.attname = c.name AND NOT a.attisdropped
  LEFT JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
  WHERE v.id = vectorizer
$function$;

-- How a vectorizer's triggers were made: embedd status asks for those of former versions to be made again.
ALTER TABLE embedd.vectorizers ADD COLUMN capture_version smallint NOT NULL DEFAULT 1;

-- What a superuser declares is captured by functions of this role, which can do nothing else. Where it cannot be made, they
-- belong to whoever declares.
DO $block$
BEGIN
  CREATE ROLE embedd_capture NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege OR feature_not_supported THEN
  NULL;
END
$block$;
DO $block$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'embedd_capture') THEN
    GRANT USAGE ON SCHEMA embedd TO embedd_capture;
    GRANT SELECT, INSERT ON embedd.missed_changes TO embedd_capture;
    GRANT SELECT, DELETE ON embedd.dead_letters TO embedd_capture;
    GRANT EXECUTE ON FUNCTION embedd.note_missed TO embedd_capture;
  END IF;
END
$block$;
