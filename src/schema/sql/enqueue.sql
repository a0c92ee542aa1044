INSERT INTO {queue} AS q ({keys}) {jobs}
ON CONFLICT ({keys}) DO UPDATE SET {>reset};
