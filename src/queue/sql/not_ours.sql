-- The outcome of a job that is not fenced: busy or gone.
CASE WHEN (SELECT true FROM {queue} q WHERE {q=j} AND q.lease = j.lease LIMIT 1) THEN 'b' ELSE 'g' END
