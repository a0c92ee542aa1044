pg_catalog.substr(f.text, 1 + ({>store_window})::integer, {window})
