-- The nearest by the vector index. An index scan may give up before it has found enough rows that pass the conditions. Then few
-- rows pass, and all of these are compared.
near AS MATERIALIZED (
  SELECT t."id" AS id, {distance} AS d FROM {source} t
  WHERE t.{destination} IS NOT NULL AND {conditions} ORDER BY {indexed_distance} LIMIT {proposals}),
rest AS MATERIALIZED (
  SELECT t."id" AS id, {distance} AS d FROM {source} t
  WHERE t.{destination} IS NOT NULL AND {conditions}
    AND (SELECT count(*) FROM near) OPERATOR(pg_catalog.<) {enough}
  ORDER BY ({distance}) OPERATOR(pg_catalog.+) 0::pg_catalog.float8, t."id" LIMIT {candidates}),
candidates AS (
  SELECT b.id, 1::pg_catalog.float8 OPERATOR(pg_catalog.-) b.d AS similarity
  FROM (SELECT * FROM near WHERE (SELECT count(*) FROM near) OPERATOR(pg_catalog.>=) {enough}
        UNION ALL SELECT * FROM rest) b
  ORDER BY b.d, b.id LIMIT {candidates})
