-- Over alias t: the trace has all of these tags.
t."id" OPERATOR(pg_catalog.=) ANY (
  SELECT l."trace_id" FROM {links} l JOIN {tag_table} g ON g."id" OPERATOR(pg_catalog.=) l."tag_id"
  WHERE g."name"::pg_catalog.text OPERATOR(pg_catalog.=) ANY ({tag_names}::pg_catalog.text[])
  GROUP BY l."trace_id" HAVING count(DISTINCT l."tag_id") OPERATOR(pg_catalog.=) {tag_count})
