-- What an endpoint was found to take for a model, less than it says: for a day, so that each worker need not be refused to learn
-- it again. Delete a row to have it tried anew.
CREATE TABLE embedd.learned_limits (
  endpoint           text NOT NULL,
  address            text NOT NULL,            -- a hash of where it is in the worker's configuration
  model              text NOT NULL,
  dimensions         integer NOT NULL,
  inputs             integer NOT NULL CHECK (inputs >= 0),       -- texts of a request, at most; 0: nothing was learned
  text_tokens        bigint NOT NULL CHECK (text_tokens >= 0),   -- of a text, at most; 0: nothing was learned
  counted            boolean NOT NULL,         -- text_tokens are counted as the model does; else each byte is one
  no_encoding_format boolean NOT NULL,         -- the endpoint refuses the parameter
  no_dimensions      boolean NOT NULL,
  learned_at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (endpoint, address, model, dimensions)
) WITH (fillfactor = 50);

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
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON embedd.learned_limits TO %s', worker);
  END LOOP;
END
$block$;
