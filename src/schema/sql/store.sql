-- Chunks and their vectors, for users' queries: the columns are those of pgai's stores, and the model's name.
CREATE TABLE {store} (embedding_uuid uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, {named_keys},
  chunk_seq integer NOT NULL, chunk text NOT NULL, embedding {store_type} NOT NULL, model_id text NOT NULL,
  model_version text NOT NULL, UNIQUE ({names}, chunk_seq))
