-- Runs with the settings under which the worker wrote the dead letter's key.
CREATE FUNCTION embedd.capture_forget_{id}({typed_old}) RETURNS void LANGUAGE plpgsql{settings}{pinned} AS $body$
BEGIN
  DELETE FROM embedd.dead_letters d USING (SELECT {arguments}) q WHERE d.vectorizer_id = {id} AND d.key = {key_json};
END
$body$
