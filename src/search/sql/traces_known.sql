-- True, or fails the statement as a missing table would: the table's name may belong to another table by now, or the column to
-- the vectors of another model than the query's, or the score has changed. Nothing of the statement runs if a column that it names has another type by now.
known AS MATERIALIZED (
  SELECT CASE WHEN (
    SELECT {source_name}::pg_catalog.regclass OPERATOR(pg_catalog.=) v.source
       AND v.destination_column OPERATOR(pg_catalog.=) {destination_name}::pg_catalog.text
       AND coalesce(v.score, '') OPERATOR(pg_catalog.=) {score_text}::pg_catalog.text
    FROM embedd.vectorizers v WHERE v.id OPERATOR(pg_catalog.=) {id})
  THEN true ELSE pg_catalog.regclass('what_is_known_of_the_vectorizer'::pg_catalog.text) IS NULL END AS ok),
types AS (SELECT FROM {tables} WHERE {types})
