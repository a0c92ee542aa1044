-- These writes to the store are embedd's own, so its rows need not be looked at again.
PERFORM set_config('embedd.follows', 'on', true);
BEGIN
  LOCK TABLE {store}, {placed}, {staged} IN ACCESS EXCLUSIVE MODE NOWAIT;
  TRUNCATE {store}, {placed}, {staged};
EXCEPTION WHEN lock_not_available OR insufficient_privilege OR feature_not_supported THEN
  BEGIN
    DELETE FROM {store};
    DELETE FROM {placed};
    DELETE FROM {staged};
  EXCEPTION WHEN serialization_failure THEN NULL;
  END;
END;
PERFORM set_config('embedd.follows', '', true);
