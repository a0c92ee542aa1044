EXISTS (SELECT FROM {store} s WHERE {s=t} AND pg_catalog.age(s.xmin) <= (SELECT age FROM proven_rows))
