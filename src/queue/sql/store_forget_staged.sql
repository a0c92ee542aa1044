-- Steps of drop: the row has its chunks already, so chunks that were staged of another text are deleted.
unstaged AS (DELETE FROM {staged} g USING proven f WHERE {g=f} RETURNING g.hash),
unasked AS (
  DELETE FROM {chunks} x USING (SELECT DISTINCT hash FROM unstaged) d
  WHERE x.hash = d.hash AND NOT EXISTS (
    SELECT FROM {staged} g WHERE g.hash = x.hash AND NOT EXISTS (SELECT FROM proven f WHERE {g=f}))),
