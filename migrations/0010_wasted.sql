-- Rows that were bought in vain within the last hour, so that whoever claims them next knows. A row here is a hash of the
-- source row's key. It only slows down, so a crash may forget it.
CREATE UNLOGGED TABLE embedd.wasted (
  vectorizer_id bigint NOT NULL,
  row_hash      bigint NOT NULL,
  level         double precision NOT NULL,  -- purchases, less what was forgotten of earlier ones by wasted_at
  wasted_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (vectorizer_id, row_hash)
) WITH (fillfactor = 50);
CREATE INDEX ON embedd.wasted (wasted_at);

-- Whoever may work as a worker so far may go on.
DO $block$
DECLARE
  worker text;
BEGIN
  FOR worker IN
    SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
    WHERE c.oid = 'embedd.workers'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON embedd.wasted TO %s', worker);
  END LOOP;
END
$block$;
