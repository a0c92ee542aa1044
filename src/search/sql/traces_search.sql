WITH {>traces_known},
{>candidates},
scored AS MATERIALIZED (
  SELECT c.id, c.similarity, {score} AS score
  FROM candidates c JOIN {source} t ON t."id" OPERATOR(pg_catalog.=) c.id),
hits AS (
  SELECT s.*, row_number() OVER (ORDER BY s.score DESC NULLS LAST, s.id) AS n
  FROM scored s ORDER BY s.score DESC NULLS LAST, s.id LIMIT {limit}::pg_catalog.int8)
{>traces_rows}
