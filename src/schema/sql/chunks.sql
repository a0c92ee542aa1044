-- The chunks that wait for vectors, each once, by a hash of the text that is sent. A vectorizer of their own embeds them.
CREATE TABLE {chunks} (hash uuid PRIMARY KEY, sent text NOT NULL, embedding {store_type}, model_id text, model_version text)
