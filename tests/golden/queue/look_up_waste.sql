SELECT w.row_hash, w.level, extract(epoch FROM now() - w.wasted_at)::float8 FROM embedd.wasted w
WHERE w.vectorizer_id = $1::bigint AND w.row_hash = ANY ($2::bigint[])
