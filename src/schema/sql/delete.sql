DELETE FROM {queue} q{using} WHERE {q_is_row};
DELETE FROM {ledger} q{using} WHERE {q_is_row};
{forget_chunks}IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {id}) THEN
  PERFORM embedd.capture_forget_{id}({row}){from};
END IF;
