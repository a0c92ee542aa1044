-- Staged chunks move to the new key, so that they are not bought again.
UPDATE {staged} q SET {move} WHERE {q_is_old} AND NOT EXISTS (SELECT FROM {staged} q WHERE {q_is_new});
