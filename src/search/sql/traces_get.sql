WITH {>traces_known},
hits AS (
  SELECT t."id" AS id, 0::pg_catalog.float8 AS similarity, 0::pg_catalog.float8 AS score, 1::pg_catalog.int8 AS n
  FROM {source} t WHERE t."id" OPERATOR(pg_catalog.=) {key}::pg_catalog.uuid{mandatory})
{>traces_rows}
