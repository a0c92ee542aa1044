-- The tables of embedd. Queue and ledger tables are made per vectorizer by `embedd vectorizer create`.
-- Every object lives in the schema embedd; docs/schema.md explains each.

-- The declarations. Text columns ending in _sql are expressions compiled at creation, fully qualified.
CREATE TABLE embedd.vectorizers (
  id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name                 text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$'),
  source               regclass NOT NULL,
  source_schema        text NOT NULL,
  source_table         text NOT NULL,
  key_columns          text[] NOT NULL CHECK (cardinality(key_columns) > 0),
  key_types            text[] NOT NULL,        -- of k1..kn: base types, qualified, with their modifiers
  key_json_sql         text NOT NULL,          -- the key as jsonb, over alias q with columns k1..kn
  template             text NOT NULL,
  text_sql             text NOT NULL,          -- over alias t; cut to 65536 characters; NULL when empty
  filter               text,
  filter_sql           text,                   -- over alias t; NULL: every row is covered
  destination          text NOT NULL DEFAULT 'column' CHECK (destination IN ('column', 'table')),
  destination_column   text,
  destination_type     text NOT NULL CHECK (destination_type IN ('vector', 'halfvec')),
  model_id_column      text,
  model_version_column text,
  endpoint             text NOT NULL,          -- a name; what it means is in each worker's configuration
  model                text NOT NULL,
  dimensions           integer NOT NULL CHECK (dimensions > 0),
  send_dimensions      boolean NOT NULL DEFAULT false,
  generation           smallint NOT NULL DEFAULT 1,  -- the live one
  state                text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
  reconciled_at        timestamptz,            -- when the last walk over the source ended
  reconcile_until      timestamptz,            -- while in the future, some worker has the duty
  created_at           timestamptz NOT NULL DEFAULT now()
);

-- Jobs that can never succeed, with the reason. A change of the row's text removes its dead letter.
CREATE TABLE embedd.dead_letters (
  vectorizer_id bigint NOT NULL REFERENCES embedd.vectorizers ON DELETE CASCADE,
  key           jsonb NOT NULL,                -- {"id": 5}
  generation    smallint NOT NULL DEFAULT 1,
  kind          text NOT NULL,
  message       text NOT NULL,
  attempts      integer NOT NULL DEFAULT 0,
  text_hash     bigint,                        -- of the refused text: reconcile leaves the row alone while it stands
  failed_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (vectorizer_id, key, generation)
);
CREATE INDEX dead_letters_failed_at ON embedd.dead_letters (failed_at);

-- Heartbeats: one row per worker process, removed on a clean exit, or by others once it is long silent.
CREATE UNLOGGED TABLE embedd.workers (
  id                 uuid PRIMARY KEY,
  hostname           text NOT NULL DEFAULT '',
  pid                integer NOT NULL DEFAULT 0,
  version            text NOT NULL DEFAULT '',
  started_at         timestamptz NOT NULL DEFAULT now(),
  seen_at            timestamptz NOT NULL DEFAULT now(),
  rows_embedded      bigint NOT NULL DEFAULT 0,
  requests_in_flight integer NOT NULL DEFAULT 0,
  leases_held        integer NOT NULL DEFAULT 0,
  draining           boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- What was bought. It outlives its vectorizer: the money was spent.
CREATE TABLE embedd.usage (
  vectorizer_id bigint NOT NULL,
  model         text NOT NULL,
  day           date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  requests      bigint NOT NULL DEFAULT 0,
  rows          bigint NOT NULL DEFAULT 0,
  tokens        bigint NOT NULL DEFAULT 0,
  cost_usd      numeric NOT NULL DEFAULT 0,
  PRIMARY KEY (vectorizer_id, model, day)
) WITH (fillfactor = 50);
