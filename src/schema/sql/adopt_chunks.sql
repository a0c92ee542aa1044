-- The places in the store of the chunks of trusted rows.
INSERT INTO {placed} ({keys}, seq, hash, vector_hash)
SELECT {ledger_keys}, s.chunk_seq, {sent_hash}, {vector_hash} FROM {store} s JOIN {ledger} l ON {l_is_s}
WHERE l.text_hash <> 0
