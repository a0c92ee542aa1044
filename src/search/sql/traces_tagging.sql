,
wanted AS (SELECT DISTINCT name FROM pg_catalog.unnest({tag_names}::pg_catalog.text[]) AS name),
there AS (
  SELECT g."id" AS id, g."name"::pg_catalog.text AS name FROM {tag_table} g
  WHERE g."name"::pg_catalog.text OPERATOR(pg_catalog.=) ANY ({tag_names}::pg_catalog.text[])),
named AS (
  INSERT INTO {tag_table} ({tag_columns})
  SELECT {tag_values} FROM wanted w CROSS JOIN made
  WHERE NOT EXISTS (SELECT FROM there h WHERE h.name OPERATOR(pg_catalog.=) w.name) ORDER BY w.name
  ON CONFLICT ("name") DO UPDATE SET "name" = excluded."name" RETURNING "id" AS id),
linked AS (
  INSERT INTO {links} ("trace_id", "tag_id")
  SELECT m.id, g.id FROM made m CROSS JOIN (SELECT id FROM there UNION SELECT id FROM named) g)
