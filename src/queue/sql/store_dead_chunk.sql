FROM {staged} g JOIN embedd.dead_letters d
  ON d.vectorizer_id = {chunks_id} AND d.key = pg_catalog.jsonb_build_object('hash', g.hash)
WHERE {g=f}
