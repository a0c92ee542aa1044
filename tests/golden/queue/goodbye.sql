WITH stopped AS (
  UPDATE embedd.workers SET stopped = true, seen_at = now(), requests_in_flight = 0, leases = 0
  WHERE id = $1::uuid AND problems IS NOT NULL),
former AS (DELETE FROM embedd.workers WHERE stopped AND id <> $1::uuid AND database = embedd.this_database())
DELETE FROM embedd.workers WHERE id = $1::uuid AND problems IS NULL
