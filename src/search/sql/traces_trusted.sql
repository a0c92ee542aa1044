-- Those that are trusted most.
candidates AS (
  SELECT t."id" AS id, 0::pg_catalog.float8 AS similarity FROM {source} t
  WHERE {conditions} ORDER BY {trust} DESC, t."id" LIMIT {candidates})
