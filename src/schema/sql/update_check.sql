-- Runs for every updated row. The comparison takes less than a microsecond, because the function changes no settings: it
-- has no pinned search_path. So every name is qualified, and nothing depends on how a name or an operator is looked up.
IF NOT pg_catalog.record_image_ne(ROW({old_read}), ROW({new_read})) THEN RETURN NULL; END IF;
{>refuse_other_key_types}
