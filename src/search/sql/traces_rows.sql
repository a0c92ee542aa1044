-- The rows of hits, as long as their texts fit into an answer; the first row comes whatever its size.
SELECT f.* FROM (
  SELECT r.*, pg_catalog.sum(pg_catalog.octet_length(r.title) OPERATOR(pg_catalog.+)
                             pg_catalog.octet_length(r.context_text) OPERATOR(pg_catalog.+)
                             pg_catalog.octet_length(r.solution_text)) OVER (ORDER BY r.n) AS bytes
  FROM (
    SELECT h.n, h.id::pg_catalog.text AS key, h.similarity, h.score, {title} AS title, {context_text} AS context_text,
           {solution_text} AS solution_text, {trust} AS trust, {tags} AS tags, {related} AS related{fields}
    FROM hits h JOIN {source} t ON t."id" OPERATOR(pg_catalog.=) h.id OFFSET 0) r) f
WHERE (f.bytes OPERATOR(pg_catalog.<=) {most_bytes} OR f.n OPERATOR(pg_catalog.=) 1) AND (SELECT ok FROM known)
ORDER BY f.n
