-- A walk may pause, be taken over, and be put off.

ALTER TABLE embedd.vectorizers
  -- Of the walk that is under way, or that somebody left behind.
  ADD COLUMN walk_worker     uuid,    -- who walks; others may take the walk over once reconcile_until has passed
  ADD COLUMN walk_cursor     bytea,   -- it has been through what comes before
  ADD COLUMN walk_in         text,    -- in which database and table, and for which generation
  ADD COLUMN walk_skipped    bigint NOT NULL DEFAULT 0,  -- rows that users held
  ADD COLUMN walk_began_with text,    -- what the statistics said of the table's history when it began
  -- Of the last complete walk.
  ADD COLUMN walked_with     text,    -- what they had said when that one began; NULL: it has left something over
  ADD COLUMN walk_put_off_at timestamptz;  -- later ones were put off, last at this time: nothing had happened since

DO $block$
DECLARE
  worker text;
BEGIN
  -- Whoever may walk so far may go on.
  FOR worker IN
    SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
    FROM pg_catalog.pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) a
    WHERE t.attrelid = 'embedd.vectorizers'::regclass AND t.attname = 'reconciled_at' AND a.privilege_type = 'UPDATE'
  LOOP
    EXECUTE format('GRANT UPDATE (walk_worker, walk_cursor, walk_in, walk_skipped, walk_began_with, walked_with, walk_put_off_at)'
                   ' ON embedd.vectorizers TO %s', worker);
  END LOOP;
END
$block$;
