-- These writes to the store are embedd's own, so its rows need not be looked at again.
PERFORM set_config('embedd.follows', 'on', true);
UPDATE {store} s SET {move_names} WHERE {s_is_old} AND NOT EXISTS (SELECT FROM {store} o WHERE {o_is_new});
UPDATE {placed} q SET {move} WHERE {q_is_old} AND NOT EXISTS (SELECT FROM {placed} q WHERE {q_is_new});
PERFORM set_config('embedd.follows', '', true);
