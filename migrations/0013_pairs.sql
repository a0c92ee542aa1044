-- The ledger proves a vector, too: a hash of its bytes stands beside that of its text.

ALTER TABLE embedd.vectorizers
  ADD COLUMN disputed      bigint NOT NULL DEFAULT 0,  -- rows whose vector somebody replaces each time, as of the last walk
  ADD COLUMN walk_disputed bigint NOT NULL DEFAULT 0,  -- those that the walk under way has seen
  ADD COLUMN walk_began_at xid8,   -- the oldest transaction under way when the walk that is under way began
  ADD COLUMN proven_before xid8,   -- what earlier transactions wrote, a complete walk has compared with the ledger
  ADD COLUMN proven_in     text;   -- in which database and table

DO $block$
DECLARE
  ledger regclass;
  worker text;
BEGIN
  -- Proofs from before take the vector that the next walk finds.
  FOR ledger IN
    SELECT c.oid FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'embedd'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^ledger_[0-9]+$'
  LOOP
    EXECUTE format('ALTER TABLE %s ADD COLUMN vector_hash bigint, ADD COLUMN repairs smallint NOT NULL DEFAULT 0', ledger);
  END LOOP;
  -- Whoever may walk so far may go on.
  FOR worker IN
    SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
    FROM pg_catalog.pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) a
    WHERE t.attrelid = 'embedd.vectorizers'::regclass AND t.attname = 'reconciled_at' AND a.privilege_type = 'UPDATE'
  LOOP
    EXECUTE format('GRANT UPDATE (disputed, walk_disputed, walk_began_at, proven_before, proven_in) ON embedd.vectorizers TO %s', worker);
  END LOOP;
END
$block$;
