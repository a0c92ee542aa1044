-- What becomes of a text that is longer than the model takes: its beginning, the mean of its pieces, or a dead letter.
ALTER TABLE embedd.vectorizers
  ADD COLUMN long_texts text NOT NULL DEFAULT 'truncate' CHECK (long_texts IN ('truncate', 'average', 'discard'));

-- One account per endpoint, whatever the number of workers: until when everything reserved so far is paid for, at the
-- rate that the account allows. It only paces, so a crash may forget it.
CREATE UNLOGGED TABLE embedd.accounts (
  endpoint    text PRIMARY KEY,
  requests_at timestamptz NOT NULL,
  tokens_at   timestamptz NOT NULL
) WITH (fillfactor = 50);
