-- The schema embedd: what is declared, and what workers remember. For each vectorizer `embedd vectorizer create` adds a queue, a
-- ledger and trigger functions (src/schema/triggers.cc). docs/schema.md explains each table.

-- The declarations. Columns whose name ends in _sql contain expressions, compiled at creation, with every name qualified.
CREATE TABLE embedd.vectorizers (
  id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name                 text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$'),
  state                text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
  created_at           timestamptz NOT NULL DEFAULT now(),

  -- What is embedded.
  source               regclass NOT NULL,
  source_schema        text NOT NULL,          -- the names of the source at creation
  source_table         text NOT NULL,
  key_columns          text[] NOT NULL CHECK (cardinality(key_columns) > 0),
  key_types            text[] NOT NULL,        -- of k1..kn: base types, qualified, with their modifiers
  key_numbers          smallint[] NOT NULL DEFAULT '{}',  -- of the key columns in the source: they identify a renamed column
  key_json_sql         text NOT NULL,          -- the key as jsonb, over alias q with columns k1..kn
  template             text NOT NULL,
  text_sql             text NOT NULL,          -- over alias t; cut to 65536 characters unless it is cut into chunks; NULL when empty
  filter               text,
  filter_sql           text,                   -- over alias t; NULL: every row is covered
  read_columns         text[] NOT NULL DEFAULT '{}',  -- every column of the key, the text and the filter
  read_types           text[] NOT NULL DEFAULT '{}',  -- the types that these columns had at creation
  capture_version      smallint NOT NULL DEFAULT 1,   -- of the triggers; `embedd status` reports older ones

  -- The destination of the vectors.
  destination          text NOT NULL DEFAULT 'column' CHECK (destination IN ('column', 'table')),
  destination_column   text,
  destination_number   smallint NOT NULL DEFAULT 0,   -- of destination_column in the source
  destination_type     text NOT NULL CHECK (destination_type IN ('vector', 'halfvec')),
  model_id_column      text,
  model_version_column text,
  -- A store: a table of chunks, each with a vector in destination_column. The chunks that wait for vectors are rows of
  -- embedd.chunks_<id>, which has a vectorizer of its own, of which this one is rows_of.
  store                regclass,
  chunk_rule           text NOT NULL DEFAULT '',      -- how texts are cut; empty: a row is one text
  chunk_template       text NOT NULL DEFAULT '',      -- what is sent of a chunk; empty: the chunk
  rows_of              bigint REFERENCES embedd.vectorizers ON DELETE CASCADE,
  -- The vectorizer that this one is to replace; the one that has replaced this one.
  next_of              bigint UNIQUE REFERENCES embedd.vectorizers ON DELETE SET NULL,
  old_of               bigint UNIQUE REFERENCES embedd.vectorizers ON DELETE SET NULL,
  capture_rows         boolean NOT NULL DEFAULT false,  -- changes are captured by row triggers alone
  -- The vector index that the column gets once its backlog is done. The indexes that the owner had dropped for the time of a
  -- large backlog: {"name": "CREATE INDEX ..."}.
  index_kind           text NOT NULL DEFAULT 'none' CHECK (index_kind IN ('none', 'hnsw', 'halfvec', 'ivfflat')),
  deferred_indexes     jsonb NOT NULL DEFAULT '{}',
  text_search          text,                   -- the configuration of full-text search, qualified; NULL: searches use vectors only
  score                text,                   -- of searches: the owner's expression over similarity and columns; NULL: their ranks
  score_columns        text[] NOT NULL DEFAULT '{}',  -- that the score reads
  score_types          text[] NOT NULL DEFAULT '{}',  -- the types that these columns had when the score was set

  -- The model that computes the vectors.
  endpoint             text NOT NULL,          -- a name; each worker's configuration defines it
  model                text NOT NULL,
  dimensions           integer NOT NULL CHECK (dimensions > 0),
  send_dimensions      boolean NOT NULL DEFAULT false,
  -- What to do with a text that is longer than the model takes: embed its beginning, embed the mean of its pieces, or make a dead
  -- letter.
  long_texts           text NOT NULL DEFAULT 'truncate' CHECK (long_texts IN ('truncate', 'average', 'discard')),
  -- What may be bought in a day (UTC); NULL: no limit.
  budget_usd_per_day    numeric CHECK (budget_usd_per_day > 0 AND budget_usd_per_day <= 1e9),
  budget_tokens_per_day bigint CHECK (budget_tokens_per_day > 0 AND budget_tokens_per_day <= 1e18),

  -- The walk over the source that is under way, or that a worker left.
  walk_until           timestamptz,            -- until then, walk_worker walks; later, others may take the walk over
  walk_worker          uuid,
  walk_cursor          bytea,                  -- the walk has passed all keys before this one
  walk_in              text,                   -- the database and the table of the walk
  walk_began_at        xid8,                   -- the oldest transaction that was running when the walk began
  walk_began_with      text,                   -- the table's history, by its statistics, when the walk began
  walk_skipped         bigint NOT NULL DEFAULT 0,  -- rows without a true vector that users had locked, in the walk under way or the last one
  walk_disputed        bigint NOT NULL DEFAULT 0,  -- rows whose vector something replaces each time

  -- The last complete walk.
  walked_at            timestamptz,            -- when it ended
  walked_with          text,                   -- its walk_began_with; NULL: some rows were left out
  walk_put_off_at      timestamptz,            -- when a later walk was last put off, because nothing had changed
  disputed             bigint NOT NULL DEFAULT 0,  -- its walk_disputed
  proven_before        xid8,                   -- it compared all that earlier transactions wrote with the ledger
  proven_in            text                    -- the database and the table of this proof
);

-- The texts behind the vectors of a dropped vectorizer. The vectors stay in their rows, and their proofs in embedd.ledger_<id>. The
-- same declaration, made again, takes the proofs over; another declaration for the same column deletes them.
CREATE TABLE embedd.kept_proofs (
  vectorizer_id      bigint PRIMARY KEY,       -- of the dropped vectorizer; its ledger keeps its name
  name               text NOT NULL,
  source             regclass NOT NULL,
  source_schema      text NOT NULL,
  source_table       text NOT NULL,
  key_columns        text[] NOT NULL,
  key_numbers        smallint[] NOT NULL,
  destination_column text NOT NULL,
  destination_number smallint NOT NULL,
  template           text NOT NULL,            -- for people; texts are compared by their hashes
  endpoint           text NOT NULL,
  model              text NOT NULL,
  dimensions         integer NOT NULL,
  send_dimensions    boolean NOT NULL,
  long_texts         text NOT NULL,
  dropped_at         timestamptz NOT NULL DEFAULT now()
);

-- What embedd has made, or has renamed, outside of this schema: `embedd uninstall` takes back this, and nothing else.
CREATE TABLE embedd.made (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- 'rows' is a table that people write to, made by `embedd traces init`.
  kind    text NOT NULL CHECK (kind IN ('table', 'rows', 'view', 'column', 'renamed table', 'renamed column', 'extension')),
  object  regclass,                          -- the table or view; the table of a column; NULL: an extension
  name    text NOT NULL,                     -- its present name
  former  text,                              -- of what is renamed: the name that its owner had given
  number  smallint,                          -- of a column: which of the table's columns; the trigger below sets it
  made_by text NOT NULL DEFAULT current_user -- the trigger below keeps it true
);

-- Whoever may write to embedd.made can name an object of somebody else. The signature tells: `embedd uninstall` removes what
-- belongs to the role that has signed last. Only a member of that role may change the row without signing it anew. A column is
-- known by its number, too: its owner may have dropped it, and made another one of this name.
CREATE FUNCTION embedd.sign_made() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  NEW.made_by := current_user;
  IF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = OLD.made_by AND pg_has_role(r.oid, 'USAGE')) THEN
    NEW.made_by := OLD.made_by;
  END IF;
  NEW.number := (SELECT a.attnum FROM pg_attribute a
                 WHERE NEW.kind IN ('column', 'renamed column') AND a.attrelid = NEW.object AND a.attname = NEW.name
                   AND a.attnum > 0 AND NOT a.attisdropped);
  RETURN NEW;
END
$function$;
CREATE TRIGGER sign_made BEFORE INSERT OR UPDATE ON embedd.made FOR EACH ROW EXECUTE FUNCTION embedd.sign_made();

-- Jobs that can never succeed, with the reason. A change of the row's text removes its dead letter.
CREATE TABLE embedd.dead_letters (
  vectorizer_id bigint NOT NULL REFERENCES embedd.vectorizers ON DELETE CASCADE,
  key           jsonb NOT NULL,                -- {"id": 5}
  kind          text NOT NULL,
  message       text NOT NULL,
  attempts      integer NOT NULL DEFAULT 0,
  text_hash     bigint,                        -- of the refused text: walks skip the row while it has this text
  failed_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (vectorizer_id, key)
);
CREATE INDEX dead_letters_failed_at ON embedd.dead_letters (failed_at);

-- Changes that a trigger could not capture. A trigger never fails its user's statement: it adds a row here, which stays until a
-- walk has found the change. The table has no key, so that no user waits for another.
CREATE TABLE embedd.missed_changes (
  vectorizer_id bigint NOT NULL,
  sqlstate      text NOT NULL,
  message       text NOT NULL,                 -- only of errors about names and types; other messages could quote a row
  missed_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Identifies this database. A copy (pg_restore, CREATE DATABASE with a template) has another identity, but a copy of all of the
-- server's files has the same. The function runs with its owner's rights, so that it returns the same to every role.
CREATE FUNCTION embedd.this_database() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN (SELECT format('%s/%s', c.system_identifier, d.oid)
          FROM pg_control_system() c, pg_database d WHERE d.datname = current_database());
EXCEPTION WHEN insufficient_privilege THEN
  RETURN (SELECT format('/%s', d.oid) FROM pg_database d WHERE d.datname = current_database());
END
$function$;

-- Heartbeats: one row per worker process. A worker removes its row when it ends. Other workers remove the row of a worker that
-- has been silent for long.
CREATE UNLOGGED TABLE embedd.workers (
  id                 uuid PRIMARY KEY,
  database           text NOT NULL DEFAULT embedd.this_database(),  -- where the row was written: a copy's workers are its own
  hostname           text NOT NULL DEFAULT '',
  pid                integer NOT NULL DEFAULT 0,
  version            text NOT NULL DEFAULT '',
  started_at         timestamptz NOT NULL DEFAULT now(),
  seen_at            timestamptz NOT NULL DEFAULT now(),
  rows_embedded      bigint NOT NULL DEFAULT 0,
  requests_in_flight integer NOT NULL DEFAULT 0,
  leases             integer NOT NULL DEFAULT 0,
  draining           boolean NOT NULL DEFAULT false,
  stopped            boolean NOT NULL DEFAULT false,  -- the worker has ended; its problems are kept for `embedd status`
  -- The problems that keep the worker from embedding: an array of {"vectorizer", "endpoint", "state", "message"}, of bounded
  -- length; NULL if there are none.
  problems           jsonb,
  -- The endpoints that the worker uses: an array of {"endpoint", "state", "message", "in_flight", "concurrency",
  -- "inputs_per_second"}, of bounded length.
  endpoints          jsonb
) WITH (fillfactor = 50);

-- Purchases. A row outlives its vectorizer, because the money was spent.
CREATE TABLE embedd.usage (
  vectorizer_id bigint NOT NULL,
  model         text NOT NULL,
  day           date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  database      text NOT NULL DEFAULT embedd.this_database(),  -- where the row was written: a copy's spending is its own
  requests      bigint NOT NULL DEFAULT 0,
  rows          bigint NOT NULL DEFAULT 0,
  tokens        bigint NOT NULL DEFAULT 0,
  cost_usd      numeric NOT NULL DEFAULT 0,    -- without unpriced_tokens
  unpriced_tokens bigint NOT NULL DEFAULT 0,   -- of the tokens: their price was not known
  PRIMARY KEY (vectorizer_id, model, day)
) WITH (fillfactor = 50);

-- What happened to each vectorizer in each minute in which something changed, for people; kept for a week. Workers add up their
-- figures. `fresh` counts rows by the time from the change of their text to their stored vector, in buckets from 5 ms that grow by half.
CREATE TABLE embedd.history (
  vectorizer_id bigint NOT NULL,
  at            timestamptz NOT NULL,          -- the minute's beginning
  database      text NOT NULL DEFAULT embedd.this_database(),  -- where the row was written: a copy's history is its own
  jobs          bigint NOT NULL,               -- in the queue, and dead letters, at the minute's last poll
  dead_letters  bigint NOT NULL,
  rows          bigint NOT NULL,               -- vectors stored
  tokens        bigint NOT NULL,               -- bought
  fresh         bigint[] NOT NULL,
  PRIMARY KEY (vectorizer_id, at)
);
CREATE INDEX history_at ON embedd.history (at);

-- One row per budget ('vectorizer 1', 'endpoint openai'), for all workers: what they have reserved of the day. What a request costs
-- at most is reserved before it is sent, so a worker that is killed leaves too much reserved, and never too little. A crash of the
-- server must not lose it, so the table is logged.
CREATE TABLE embedd.spending (
  budget_of        text PRIMARY KEY,
  day              date NOT NULL,
  tokens           bigint NOT NULL,
  nano_usd         bigint NOT NULL,            -- billionths of a dollar
  granted_tokens   bigint NOT NULL,            -- the last part that was reserved
  granted_nano_usd bigint NOT NULL
) WITH (fillfactor = 50);

-- A vectorizer without a budget has no row there. When a budget is set anew, the day's row begins with what was booked. The function runs
-- with its owner's rights, because whoever creates vectorizers may not read other budgets.
CREATE FUNCTION embedd.forget_spending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  DELETE FROM embedd.spending WHERE budget_of = format('vectorizer %s', OLD.id);
  RETURN NULL;
END
$function$;
CREATE TRIGGER forget_spending AFTER DELETE ON embedd.vectorizers FOR EACH ROW EXECUTE FUNCTION embedd.forget_spending();
CREATE TRIGGER forget_spending_of_none AFTER UPDATE OF budget_usd_per_day, budget_tokens_per_day ON embedd.vectorizers FOR EACH ROW
  WHEN (NEW.budget_usd_per_day IS NULL AND NEW.budget_tokens_per_day IS NULL) EXECUTE FUNCTION embedd.forget_spending();

-- One account per endpoint, for all workers: the time at which its limits have paid for all reservations so far. A crash may lose
-- the accounts, because they only set the pace.
CREATE UNLOGGED TABLE embedd.accounts (
  endpoint    text PRIMARY KEY,
  requests_at timestamptz NOT NULL,
  tokens_at   timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Rows that were bought in vain within the last hour, for the next worker that claims them. The table only slows purchases down, so
-- a crash may lose it.
CREATE UNLOGGED TABLE embedd.wasted (
  vectorizer_id bigint NOT NULL,
  row_hash      bigint NOT NULL,               -- of the source row's key
  level         double precision NOT NULL,     -- purchases in vain as of wasted_at; earlier ones count less with time
  wasted_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (vectorizer_id, row_hash)
) WITH (fillfactor = 50);
CREATE INDEX ON embedd.wasted (wasted_at);

-- The limits of a model at an endpoint that were found by refusals, for a day, so that not every worker has to be refused to learn
-- them. To have a limit tried anew, delete its row.
CREATE TABLE embedd.learned_limits (
  endpoint           text NOT NULL,
  address            text NOT NULL,            -- a hash of its address in the worker's configuration
  model              text NOT NULL,
  dimensions         integer NOT NULL,
  inputs             integer NOT NULL CHECK (inputs >= 0),       -- most texts of a request; 0: nothing was learned
  text_tokens        bigint NOT NULL CHECK (text_tokens >= 0),   -- most tokens of a text; 0: nothing was learned
  counted            boolean NOT NULL,         -- text_tokens are counted as the model counts; else each byte is a token
  no_encoding_format boolean NOT NULL,         -- the endpoint refuses the parameter
  no_dimensions      boolean NOT NULL,
  learned_at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (endpoint, address, model, dimensions)
) WITH (fillfactor = 50);

-- Functions about the source.

-- The source table of a vectorizer: the table that it was created for. If that table is gone, the table that has all four of its
-- triggers: a table that was dropped and restored, for example from a dump, has another oid. NULL if there is none.
CREATE FUNCTION embedd.source_of(vectorizer bigint) RETURNS oid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT coalesce(
    (SELECT c.oid FROM embedd.vectorizers v JOIN pg_class c ON c.oid = v.source WHERE v.id = vectorizer),
    (SELECT g.tgrelid
     FROM unnest(ARRAY['insert', 'update', 'delete', 'truncate']) AS event
     JOIN pg_proc f ON f.proname = format('capture_%s_%s', event, vectorizer) AND f.pronamespace = 'embedd'::regnamespace
     JOIN pg_trigger g ON g.tgfoid = f.oid AND g.tgparentid = 0
     GROUP BY g.tgrelid HAVING count(DISTINCT event) = 4 ORDER BY g.tgrelid LIMIT 1))
$function$;

-- The same, and the vectorizer belongs to that table from now on. All rows are walked again, because a restore fires no triggers.
-- Only the owner of a trigger function can put embedd's triggers on a table, so a caller of this function cannot choose the table.
CREATE FUNCTION embedd.adopt_source(vectorizer bigint) RETURNS oid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  source_now oid := embedd.source_of(vectorizer);
BEGIN
  UPDATE embedd.vectorizers v
  SET source = source_now, walked_at = NULL, walk_until = NULL, source_schema = n.nspname, source_table = c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = source_now
    AND v.id = (SELECT a.id FROM embedd.vectorizers a WHERE a.id = vectorizer AND a.source <> source_now
                FOR NO KEY UPDATE SKIP LOCKED);
  RETURN source_now;
END
$function$;

-- Whether two values have the same type. A statement that calls this function with a column and a type is refused, before any of it
-- runs, if the column has another type. (A comparison or a cast would look for a conversion, which any user may have defined.)
CREATE FUNCTION embedd.exactly(anyelement, anyelement) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS 'SELECT true';

-- A call of embedd.exactly for each column that the vectorizer reads, over alias t. If a column of the text or the filter has
-- changed to another of PostgreSQL's own types, the call names the new type, because these types have only PostgreSQL's
-- conversions.
CREATE FUNCTION embedd.types_of(vectorizer bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT coalesce(string_agg(format('embedd.exactly(t.%I, NULL::%s)', c.name,
                                    CASE WHEN c.name <> ALL (v.key_columns) AND t.typnamespace = 'pg_catalog'::regnamespace
                                              AND t.typtype <> 'd' AND coalesce(e.typnamespace = 'pg_catalog'::regnamespace, true)
                                         THEN format('pg_catalog.%I', t.typname) ELSE c.type END), ' AND ' ORDER BY c.n), 'true')
  FROM embedd.vectorizers v
  CROSS JOIN LATERAL unnest(v.read_columns, v.read_types) WITH ORDINALITY AS c (name, type, n)
  LEFT JOIN pg_attribute a ON a.attrelid = v.source AND a.attname = c.name AND NOT a.attisdropped
  LEFT JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
  WHERE v.id = vectorizer
$function$;

-- What is wrong with the destination column if no vector of the vectorizer fits into it any more; NULL if vectors fit. A domain is
-- not checked: its rules are its owner's.
CREATE FUNCTION embedd.destination_problem(vectorizer bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT CASE
    WHEN r.oid IS NULL THEN CASE WHEN v.store IS NOT NULL THEN 'its table of chunks is gone: drop the vectorizer and create it again' END
    WHEN a.attname IS NULL THEN format('its column %I is gone', v.destination_column)
    WHEN t.typtype = 'b' AND (t.typname NOT IN ('vector', 'halfvec') OR a.atttypmod > 0 AND a.atttypmod <> v.dimensions) THEN
      format('its column %I is %s by now, and its vectors have %s dimensions: change the column back, or drop the vectorizer and '
             'create it again', a.attname, t.typname || coalesce('(' || nullif(a.atttypmod, -1) || ')', ''), v.dimensions)
    END
  FROM embedd.vectorizers v
  LEFT JOIN pg_class r ON r.oid = coalesce(v.store, v.source)
  LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = v.destination_column AND NOT a.attisdropped
  LEFT JOIN pg_type t ON t.oid = a.atttypid
  WHERE v.id = vectorizer
$function$;

-- Why the current role may not see all rows of the table; NULL if it sees all.
CREATE FUNCTION embedd.hidden_rows(source oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT CASE WHEN row_security_active(source) THEN
    format('row-level security may hide rows of %s from the role %I, which would take them for deleted: as an administrator, '
           'run ALTER ROLE %2$I BYPASSRLS', source::regclass, current_user) END
$function$;

-- Functions about texts. If a database's encoding is not UTF-8, it can contain texts that cannot be converted to UTF-8, and one
-- such text fails a whole statement. Then these functions check one text at a time.

-- The SQLSTATE of the failed conversion of the text to UTF-8; NULL if it can be converted.
CREATE FUNCTION embedd.utf8_problem(value text) RETURNS text
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  PERFORM convert_to(value, 'UTF8');
  RETURN NULL;
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
  RETURN SQLSTATE;
END
$function$;

-- The text, with <fc> in place of each character that cannot be converted; for people to read, and valid in JSON.
CREATE FUNCTION embedd.readable(value text) RETURNS text
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  piece text;
  shown text := '';
BEGIN
  IF embedd.utf8_problem(value) IS NULL THEN
    RETURN value;
  END IF;
  FOREACH piece IN ARRAY regexp_split_to_array(value, '') LOOP
    IF embedd.utf8_problem(piece) IS NOT NULL THEN
      piece := format('<%s>', encode(convert_to(piece, getdatabaseencoding()), 'hex'));
    END IF;
    shown := shown || piece;
  END LOOP;
  RETURN shown;
END
$function$;

-- The text that consists of these bytes in the database's own encoding: keys are sent as bytes, and never converted. The text has
-- the database's collation; the result of convert_from() with the encoding's name would have "C", the collation of that name.
CREATE FUNCTION embedd.text_of(bytes bytea) RETURNS text
LANGUAGE sql STABLE STRICT AS $function$
  SELECT pg_catalog.convert_from(bytes, pg_catalog.getdatabaseencoding())
$function$;

-- The value at these keys, as text; NULL if there is none. Escapes in a value of the type json are checked when it is read: a
-- document with one that no text can hold, such as the character NUL, has no keys, and fails no statement.
CREATE FUNCTION embedd.json_text(value json, VARIADIC keys text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $function$
BEGIN
  IF pg_catalog.strpos(value::pg_catalog.text, pg_catalog.chr(92) OPERATOR(pg_catalog.||) 'u') OPERATOR(pg_catalog.=) 0 THEN
    RETURN pg_catalog.json_extract_path_text(value, VARIADIC keys);
  END IF;
  BEGIN
    RETURN pg_catalog.json_extract_path_text(value, VARIADIC keys);
  EXCEPTION WHEN data_exception THEN
    RETURN NULL;
  END;
END
$function$;

-- Called after a --where has failed on some row of a statement, to find the row. NULL if the row is covered, '' if it is not; if
-- the filter fails on this row, SQLSTATE and message, which may quote the row. An error of the vectorizer or the database, and not
-- of the row, is raised as usual.
CREATE FUNCTION embedd.refusal(filter text, source_row anyelement) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  covered boolean;
BEGIN
  EXECUTE 'SELECT ' || filter || ' FROM (SELECT ($1).*) t' INTO covered USING source_row;
  RETURN CASE WHEN covered THEN NULL ELSE '' END;
EXCEPTION WHEN OTHERS THEN
  IF left(SQLSTATE, 2) IN ('08', '25', '28', '3D', '3F', '40', '42', '53', '55', '57', '58', 'XX') THEN
    RAISE;
  END IF;
  RETURN SQLSTATE || ' ' || embedd.readable(left(SQLERRM, 1000));
END
$function$;

-- Functions of queues and triggers.

-- What a poll reads of a vectorizer's queue; the poll's statement calls it for each vectorizer. Never a full count: only the
-- queue's first jobs by index, and up to 10,000 of them. If a queue cannot be read, `problem` says so, and the answers for other
-- queues are not affected.
--
-- A finished job leaves its index entries behind, and nobody can remove them while an old snapshot exists. Reading from the
-- beginning passes over all of them. So a caller who has read the queue before may name times before which there was no job. The
-- function returns the times of the first jobs, and how long it took to find them.
CREATE FUNCTION embedd.queue_state(vectorizer bigint, live_since timestamptz DEFAULT '-infinity',
                                   backfill_since timestamptz DEFAULT '-infinity', OUT due boolean, OUT waiting boolean,
                                   OUT oldest_seconds double precision, OUT jobs bigint, OUT dead_letters bigint,
                                   OUT problem text, OUT first_live timestamptz, OUT first_backfill timestamptz,
                                   OUT reading_seconds double precision)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS $function$
DECLARE
  queue text := format('embedd.%I', 'queue_' || vectorizer);
  began timestamptz := clock_timestamp();
  first timestamptz;
BEGIN
  EXECUTE format($query$
    SELECT (SELECT run_at FROM %1$s WHERE priority = 0 AND run_at >= $1 ORDER BY run_at LIMIT 1),
           (SELECT run_at FROM %1$s WHERE priority = 1 AND run_at >= $2 ORDER BY run_at LIMIT 1)
    $query$, queue) INTO first_live, first_backfill USING live_since, backfill_since;
  reading_seconds := extract(epoch FROM clock_timestamp() - began);
  first := least(first_live, first_backfill);
  waiting := first IS NOT NULL;
  due := waiting AND first <= now();
  oldest_seconds := CASE WHEN due THEN extract(epoch FROM now() - first) END;
  jobs := 0;
  IF waiting THEN
    EXECUTE format($query$
      SELECT count(*) FROM ((SELECT FROM %1$s WHERE priority = 0 AND run_at >= $1 LIMIT 10000) UNION ALL
                            (SELECT FROM %1$s WHERE priority = 1 AND run_at >= $2 LIMIT 10000)) bounded
      $query$, queue) INTO jobs USING first_live, first_backfill;
    IF jobs >= 10000 THEN
      jobs := greatest(jobs, (SELECT reltuples::bigint FROM pg_class WHERE oid = queue::regclass));
    END IF;
  END IF;
  dead_letters := (SELECT count(*) FROM (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = vectorizer LIMIT 1000) bounded);
EXCEPTION WHEN OTHERS THEN
  problem := SQLERRM;
END
$function$;

-- Records that a trigger failed: one row until a walk has found the missed changes.
CREATE FUNCTION embedd.record_missed(vectorizer bigint, sqlstate text, message text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM embedd.missed_changes m WHERE m.vectorizer_id = vectorizer) THEN
    INSERT INTO embedd.missed_changes (vectorizer_id, sqlstate, message)
    VALUES (vectorizer, sqlstate, CASE WHEN left(sqlstate, 2) = '42' THEN left(message, 300) ELSE '' END);
  END IF;
EXCEPTION WHEN OTHERS THEN
  NULL;  -- a copy of the table without all of this schema
END
$function$;

-- A search of a vectorizer's rows as SQL, for applications: by meaning, and also by words if there is an index for words. The function
-- only prints the statement. Whoever runs the statement needs no privilege on this schema, except USAGE if the vectorizer has a filter or a score.
CREATE FUNCTION embedd.search_sql(name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  v          embedd.vectorizers;
  vectors    regclass;                         -- the table that has the vectors, as alias t; of a store, alias s at the end
  pgvector   text;
  document   text;                             -- what the index for words has of a row
  settings   text;
  keys       text;                             -- k1, k2; of a store also seq: they identify a vector
  named_keys text;
  same_key   text;
  distance   text;                             -- what follows the alias
  nearest    text;                             -- the distance by which the index orders
  words      text;
  covered    text := '';
  limited    text := '$2';
  rows_of    text;                             -- of the candidate f: the source's row t and the store's chunk s
  place      text := 'score DESC';             -- of a candidate
  candidates text := 'fused';
  ctes       text;
BEGIN
  SELECT * INTO v FROM embedd.vectorizers o WHERE o.name = search_sql.name AND o.rows_of IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no vectorizer %', quote_literal(name) USING HINT = 'List the vectorizers with: embedd vectorizer list';
  END IF;
  vectors := coalesce(v.store, v.source);
  SELECT n.nspname INTO pgvector
  FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid JOIN pg_namespace n ON n.oid = y.typnamespace
  WHERE a.attrelid = vectors AND a.attname = v.destination_column AND NOT a.attisdropped AND y.typname = v.destination_type;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'table % has no column % of type % any more', vectors, quote_ident(v.destination_column), v.destination_type
      USING HINT = 'embedd check says what to do.';
  END IF;
  SELECT pg_get_expr(i.indexprs, i.indrelid) INTO document FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE v.text_search IS NOT NULL AND i.indrelid = vectors AND i.indisvalid AND c.relname = 'embedd_text_' || v.id;
  SELECT CASE m.amname
           WHEN 'hnsw' THEN E'-- In the same transaction, before: SET LOCAL hnsw.ef_search = 200; with pgvector 0.8 or later also\n'
                            '-- SET LOCAL hnsw.iterative_scan = strict_order; else the index may find fewer rows than there are.\n'
           ELSE E'-- In the same transaction, before: SET LOCAL ivfflat.probes = 10, or more; else the index may miss many rows.\n' END
  INTO settings FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
  WHERE i.indrelid = vectors AND i.indisvalid AND m.amname IN ('hnsw', 'ivfflat') LIMIT 1;

  SELECT string_agg(format('k%s', n), ', ' ORDER BY n), string_agg(format('t.%I AS k%s', c, n), ', ' ORDER BY n),
         string_agg(format('t.%I = f.k%s', c, n), ' AND ' ORDER BY n)
  INTO keys, named_keys, same_key FROM unnest(v.key_columns) WITH ORDINALITY AS u(c, n);
  IF v.store IS NOT NULL THEN
    keys := keys || ', seq';
    named_keys := named_keys || ', t.chunk_seq AS seq';
  ELSIF v.filter IS NOT NULL THEN
    covered := format(' AND (%s)', v.filter_sql);
  END IF;
  distance := format('.%I OPERATOR(%I.<=>) $1::%2$I.%I', v.destination_column, pgvector, v.destination_type);
  nearest := 't' || distance;
  IF v.index_kind = 'halfvec' AND v.destination_type = 'vector' THEN
    nearest := format('t.%1$I::%2$I.halfvec(%3$s) OPERATOR(%2$I.<=>) $1::%2$I.vector::%2$I.halfvec(%3$s)', v.destination_column,
                      pgvector, v.dimensions);
  END IF;
  ctes := format(E'near AS MATERIALIZED (\n  SELECT %s, %s AS distance FROM %s t WHERE t.%I IS NOT NULL%s\n  ORDER BY %s LIMIT 200\n)',
                 named_keys, 't' || distance, vectors, v.destination_column, covered, nearest);
  IF document IS NOT NULL THEN
    limited := '$3';
    words := format('websearch_to_tsquery(%L, $2)', v.text_search);
    ctes := ctes || format(E', found AS MATERIALIZED (\n  SELECT %s, ts_rank_cd(%s, %s) AS words FROM %s t\n  WHERE %2$s @@ %3$s%5$s\n'
                           '  ORDER BY words DESC LIMIT 200\n)', named_keys, document, words, vectors, covered);
  END IF;
  ctes := ctes || format(E', ranks AS (\n  SELECT %1$s, row_number() OVER (ORDER BY distance, %1$s) AS rank FROM near%2$s\n), fused AS (\n'
                         '  SELECT %1$s, sum(1.0::float8 / (60 + rank)) AS score FROM ranks GROUP BY %1$s\n)', keys,
                         CASE WHEN document IS NOT NULL THEN
                           format(E'\n  UNION ALL SELECT %1$s, row_number() OVER (ORDER BY words DESC, %1$s) FROM found', keys) END);
  rows_of := format('%s t ON %s', v.source, same_key);
  IF v.store IS NOT NULL THEN
    rows_of := rows_of || format(' JOIN %s s ON %s AND s.chunk_seq = f.seq', v.store,
      (SELECT string_agg(format('s.%I = f.k%s', c, n), ' AND ' ORDER BY n) FROM unnest(v.key_columns) WITH ORDINALITY AS u(c, n)));
  END IF;
  distance := CASE WHEN v.store IS NULL THEN 't' ELSE 's' END || distance;
  IF v.score IS NOT NULL THEN
    candidates := 'scored';
    place := 'own DESC NULLS LAST, score DESC';
    ctes := ctes || format(E', scored AS (\n  SELECT f.*, CASE WHEN o.own > ''-Infinity'' AND o.own < ''Infinity'' THEN o.own END AS own\n'
                           '  FROM fused f JOIN %s\n  CROSS JOIN LATERAL (SELECT embedd.score_%s(1 - (%s)%s) AS own OFFSET 0) o\n)',
                           rows_of, v.id, distance,
                           (SELECT string_agg(format(', t.%I', c), '' ORDER BY n) FROM unnest(v.score_columns) WITH ORDINALITY AS u(c, n)));
  END IF;
  IF v.store IS NOT NULL THEN
    ctes := ctes || format(E', best AS (\n  SELECT DISTINCT ON (%1$s) * FROM %2$s ORDER BY %1$s, %3$s, seq\n)',
                           left(keys, -length(', seq')), candidates, place);
    candidates := 'best';
  END IF;
  RETURN concat(
    format(E'-- A search of %s. $1: the query''s vector by the model %s, such as ''[0.1,0.2]''; ', translate(v.source::text, E'\n\r', '  '),
           translate(v.model, E'\n\r', '  ')),
    CASE WHEN document IS NOT NULL THEN '$2: the query''s words; ' END, limited, E': how many rows.\n',
    E'-- Print the statement again after a change of the vectorizer: vectors of two models cannot be compared.\n',
    CASE WHEN document IS NULL AND v.text_search IS NOT NULL THEN
      format(E'-- By meaning alone, because table %s has no valid index embedd_text_%s.\n', translate(vectors::text, E'\n\r', '  '), v.id) END,
    settings, 'WITH ', ctes, E'\nSELECT ', CASE WHEN v.score IS NULL THEN 'f.score' ELSE 'f.own AS score' END,
    ', 1 - (', distance, E') AS similarity',
    CASE WHEN v.store IS NOT NULL THEN ', s.chunk_seq, s.chunk' END,
    (SELECT string_agg(format(', t.%I', c), '' ORDER BY n) FROM unnest(v.read_columns) WITH ORDINALITY AS u(c, n)),
    format(E'\nFROM %s f JOIN %s', candidates, rows_of),
    format(E'\nORDER BY %s, %s LIMIT %s', regexp_replace(place, '(own|score) ', E'f.\\1 ', 'g'),
           regexp_replace(keys, '(k[0-9]+|seq)', E'f.\\1', 'g'), limited));
END
$function$;

-- Rights.

-- PostgreSQL grants every function to everybody by default. The functions that are not listed here read the catalog for roles that
-- may read embedd.vectorizers.
REVOKE EXECUTE ON FUNCTION embedd.adopt_source, embedd.utf8_problem, embedd.readable, embedd.text_of, embedd.refusal,
  embedd.queue_state, embedd.record_missed, embedd.forget_spending, embedd.sign_made FROM PUBLIC;

-- Functions of this role capture the changes for a vectorizer that a superuser declares; the role can do nothing else. If the role
-- cannot be created, the functions belong to the role that declares.
DO $block$
BEGIN
  FOR attempt IN 1..5 LOOP
    BEGIN
      CREATE ROLE embedd_capture NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege OR feature_not_supported THEN
      NULL;
    END;
    EXIT WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'embedd_capture');
    BEGIN
      GRANT USAGE ON SCHEMA embedd TO embedd_capture;
      GRANT SELECT, INSERT ON embedd.missed_changes TO embedd_capture;
      GRANT SELECT, DELETE ON embedd.dead_letters TO embedd_capture;
      GRANT EXECUTE ON FUNCTION embedd.record_missed TO embedd_capture;
      EXIT;
    EXCEPTION WHEN undefined_object THEN
      NULL;  -- an uninstallation in another database has just dropped the role
    END;
  END LOOP;
END
$block$;
