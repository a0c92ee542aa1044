-- These writes to the store are embedd's own, so its rows need not be looked at again.
PERFORM set_config('embedd.follows', 'on', true);
DELETE FROM {chunks} x WHERE x.hash IN (SELECT q.hash FROM {staged} q{joined} WHERE {q_is_row})
  AND NOT EXISTS (SELECT FROM {staged} q WHERE q.hash = x.hash AND NOT {q_is_a_row});
DELETE FROM {store} s{using} WHERE {s_is_row};
DELETE FROM {placed} q{using} WHERE {q_is_row};
DELETE FROM {staged} q{using} WHERE {q_is_row};
PERFORM set_config('embedd.follows', '', true);
