-- Chunks and their vectors, for users' queries: in the layout that pgai's users have, with the model that made them.
CREATE TABLE {store} (embedding_uuid uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, {named_keys},
  chunk_seq integer NOT NULL, chunk text NOT NULL, embedding {store_type} NOT NULL, model_id text NOT NULL,
  model_version text NOT NULL, UNIQUE ({names}, chunk_seq))
