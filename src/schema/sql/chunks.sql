-- The chunks that wait for vectors, each once, by a hash of what is sent. They have a vectorizer of their own.
CREATE TABLE {chunks} (hash uuid PRIMARY KEY, sent text NOT NULL, embedding {store_type}, model_id text, model_version text)
