-- Runs for every updated row. Comparing takes under a microsecond, because there are no settings to change: without
-- a pinned search_path every name is qualified, and nothing depends on how a name or an operator is looked up.
IF NOT pg_catalog.record_image_ne(ROW({old_read}), ROW({new_read})) THEN RETURN NULL; END IF;
{>refuse_other_key_types}
