-- Makes a walk due.
PERFORM embedd.record_missed({id}, SQLSTATE, SQLERRM);
