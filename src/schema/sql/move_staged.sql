-- Chunks that wait for vectors, or have them already, are not bought again under the new key.
UPDATE {staged} q SET {move} WHERE {q_is_old} AND NOT EXISTS (SELECT FROM {staged} q WHERE {q_is_new});
