-- A key column has another type than the queue's. Writing the value there would need a cast, and any user may have defined
-- that cast.
IF {retyped} THEN
  RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
END IF;
