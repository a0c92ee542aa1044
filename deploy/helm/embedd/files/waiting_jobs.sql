SELECT coalesce(sum(q.jobs) FILTER (WHERE q.due), 0)::bigint
FROM embedd.vectorizers v
LEFT JOIN embedd.vectorizers o ON o.id = v.rows_of
CROSS JOIN LATERAL embedd.queue_state(v.id) q
WHERE v.state = 'active' AND coalesce(o.state, 'active') = 'active'
