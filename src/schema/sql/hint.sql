-- Sends one hint per transaction, and none while a worker works on this queue: a NOTIFY takes a lock of the whole server at
-- commit. `SET embedd.hint = off` sends none; PREPARE TRANSACTION needs that.
IF {changed} AND current_setting('embedd.hinted_{id}', true) IS DISTINCT FROM '1'
    AND current_setting('embedd.hint', true) IS DISTINCT FROM 'off' THEN
  PERFORM set_config('embedd.hinted_{id}', '1', true);
  IF NOT EXISTS (SELECT FROM {queue} WHERE priority IN (0, 1) AND run_at > now() AND lease IS NOT NULL) THEN
    PERFORM pg_notify('embedd', '{id}');
  END IF;
END IF;
