-- The identifier is the client's attempt's: a statement that is sent again, because its answer was lost, adds nothing. Tags that are
-- not there are added in order of their names, so that two statements wait for each other at most once.
WITH {>traces_known},
made AS (
  INSERT INTO {source} AS t ({columns}) SELECT {values} FROM known WHERE ok
  ON CONFLICT ("id") DO NOTHING RETURNING t."id" AS id, {status} AS status){tagging}
SELECT m.id::pg_catalog.text, m.status FROM made m
UNION ALL
SELECT t."id"::pg_catalog.text, {status} FROM {source} t
WHERE t."id" OPERATOR(pg_catalog.=) {key}::pg_catalog.uuid AND NOT EXISTS (SELECT FROM made)
