DROP FUNCTION IF EXISTS embedd.capture_insert_7 CASCADE;

DROP FUNCTION IF EXISTS embedd.capture_update_7 CASCADE;

DROP FUNCTION IF EXISTS embedd.capture_delete_7 CASCADE;

DROP FUNCTION IF EXISTS embedd.capture_truncate_7 CASCADE;

DROP FUNCTION IF EXISTS embedd.capture_vector_7 CASCADE;

DROP FUNCTION IF EXISTS embedd.capture_store_7 CASCADE;

DROP FUNCTION IF EXISTS embedd.capture_emptied_7 CASCADE;

DROP FUNCTION IF EXISTS embedd.capture_arrived_7 CASCADE;

DROP FUNCTION IF EXISTS embedd.capture_changed_7;

DROP FUNCTION IF EXISTS embedd.capture_forget_7;

DROP FUNCTION IF EXISTS embedd.capture_replaced_7;

DROP TABLE IF EXISTS embedd.queue_7;

DROP TABLE IF EXISTS embedd.staged_7;

DROP TABLE IF EXISTS embedd.placed_7;

DROP TABLE IF EXISTS embedd.chunks_7;

DROP TABLE IF EXISTS embedd.ledger_7;
