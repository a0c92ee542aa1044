WITH {>traces_known}
SELECT {tag_name} COLLATE pg_catalog."C" AS name FROM {tag_table} g
WHERE (SELECT ok FROM known) AND {seen} ORDER BY 1 LIMIT {most_tags}
