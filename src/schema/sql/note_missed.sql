-- So that the worker looks at the table again.
PERFORM embedd.note_missed({id}, SQLSTATE, SQLERRM);
