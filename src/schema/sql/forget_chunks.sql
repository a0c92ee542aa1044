DELETE FROM {store} s{using} WHERE {s_is_row};
DELETE FROM {placed} q{using} WHERE {q_is_row};
DELETE FROM {staged} q{using} WHERE {q_is_row};
