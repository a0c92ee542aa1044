-- What keeps a worker from embedding, for `embedd status`: an array of {"vectorizer", "endpoint", "state", "message"},
-- of a bounded length; NULL if there is nothing.
ALTER TABLE embedd.workers ADD COLUMN troubles jsonb;
