-- What a column's vectors were made of, once their vectorizer has been dropped, and which database this is.

-- The numbers of these columns in the source, by which they are found when they were renamed.
ALTER TABLE embedd.vectorizers
  ADD COLUMN key_numbers smallint[] NOT NULL DEFAULT '{}',
  ADD COLUMN destination_number smallint NOT NULL DEFAULT 0;
UPDATE embedd.vectorizers v SET
  key_numbers = ARRAY(SELECT a.attnum FROM unnest(v.key_columns) WITH ORDINALITY AS k (name, n)
                      JOIN pg_catalog.pg_attribute a ON a.attrelid = v.source AND a.attname = k.name ORDER BY k.n),
  destination_number = coalesce((SELECT a.attnum FROM pg_catalog.pg_attribute a
                                 WHERE a.attrelid = v.source AND a.attname = v.destination_column), 0);

-- A drop leaves the vectors in their rows, and the proofs of them in embedd.ledger_<id>. This says what they prove. The same
-- declaration made again takes the proofs over; another one of the same column forgets them.
CREATE TABLE embedd.kept_proofs (
  vectorizer_id      bigint PRIMARY KEY,       -- that was; its ledger has its name still
  name               text NOT NULL,
  source             regclass NOT NULL,
  source_schema      text NOT NULL,
  source_table       text NOT NULL,
  key_columns        text[] NOT NULL,
  key_numbers        smallint[] NOT NULL,
  destination_column text NOT NULL,
  destination_number smallint NOT NULL,
  template           text NOT NULL,            -- to be shown: whether a text is the same, its hash says
  endpoint           text NOT NULL,
  model              text NOT NULL,
  dimensions         integer NOT NULL,
  send_dimensions    boolean NOT NULL,
  long_texts         text NOT NULL,
  dropped_at         timestamptz NOT NULL DEFAULT now()
);

-- Which database this is: a copy (pg_restore, CREATE DATABASE with a template) is another one. One that was copied with all of
-- its server's files is not told apart. It runs with its owner's rights, so that it says the same to everybody.
CREATE FUNCTION embedd.this_database() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN (SELECT format('%s/%s', c.system_identifier, d.oid)
          FROM pg_control_system() c, pg_database d WHERE d.datname = current_database());
EXCEPTION WHEN insufficient_privilege THEN
  RETURN (SELECT format('/%s', d.oid) FROM pg_database d WHERE d.datname = current_database());
END
$function$;

-- Where it was written: a copy's workers and spending are its own.
ALTER TABLE embedd.workers
  ADD COLUMN database text NOT NULL DEFAULT embedd.this_database(),
  -- It stopped while something kept it from embedding; its troubles are kept for `embedd status`.
  ADD COLUMN stopped boolean NOT NULL DEFAULT false;
ALTER TABLE embedd.usage ADD COLUMN database text NOT NULL DEFAULT embedd.this_database();
