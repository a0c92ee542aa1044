PERFORM embedd.capture_changed_{id}({old_row}, {new_row});
