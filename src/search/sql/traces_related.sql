coalesce((
  SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
           'id', x.id, 'title', x.title, 'relationship_type', x.type, 'strength', x.strength)
           ORDER BY x.strength DESC, x.id)::pg_catalog.text
  FROM (SELECT t."id" AS id, {title} AS title, m."relationship_type" AS type, m."strength" AS strength
        FROM {relationships} m JOIN {source} t ON t."id" OPERATOR(pg_catalog.=) m."target_trace_id"
        WHERE m."source_trace_id" OPERATOR(pg_catalog.=) h.id AND {visible}{mandatory}
        ORDER BY m."strength" DESC, t."id" LIMIT {most_related}) x), '[]')
