UPDATE embedd.vectorizers
SET walk_until = NULL, walk_worker = NULL, walk_cursor = CASE WHEN $3::boolean THEN walk_cursor END
WHERE id = $1::bigint AND walk_worker = $2::uuid
