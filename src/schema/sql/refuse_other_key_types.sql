-- A key column has another type than the queue was made for. Writing the value there would take a cast, and a cast
-- may be anybody's.
IF {retyped} THEN
  RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
END IF;
