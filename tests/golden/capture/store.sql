CREATE FUNCTION embedd.capture_insert_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  BEGIN
    IF (SELECT pg_catalog.pg_typeof(t."slug") OPERATOR(pg_catalog.<>) 'public.slug'::pg_catalog.regtype OR pg_catalog.pg_typeof(t."Part") OPERATOR(pg_catalog.<>) 'pg_catalog.int4'::pg_catalog.regtype FROM embedd_rows t LIMIT 1) THEN
      RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
    END IF;
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    RETURN NULL;
  END;
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed' THEN
    INSERT INTO embedd.queue_7 AS q (k1, k2) SELECT t."slug", t."Part" FROM embedd_rows t
    ON CONFLICT (k1, k2) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now(), cut_hash = NULL;
    IF FOUND AND current_setting('embedd.hinted_7', true) IS DISTINCT FROM '1'
    AND current_setting('embedd.hint', true) IS DISTINCT FROM 'off' THEN
  PERFORM set_config('embedd.hinted_7', '1', true);
  IF NOT EXISTS (SELECT FROM embedd.queue_7 WHERE priority IN (0, 1) AND run_at > now() AND lease IS NOT NULL) THEN
    PERFORM pg_notify('embedd', '7');
  END IF;
END IF;
  ELSE
    BEGIN
      INSERT INTO embedd.queue_7 AS q (k1, k2) SELECT t."slug", t."Part" FROM embedd_rows t
      ON CONFLICT (k1, k2) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now(), cut_hash = NULL;
      IF FOUND AND current_setting('embedd.hinted_7', true) IS DISTINCT FROM '1'
    AND current_setting('embedd.hint', true) IS DISTINCT FROM 'off' THEN
  PERFORM set_config('embedd.hinted_7', '1', true);
  IF NOT EXISTS (SELECT FROM embedd.queue_7 WHERE priority IN (0, 1) AND run_at > now() AND lease IS NOT NULL) THEN
    PERFORM pg_notify('embedd', '7');
  END IF;
END IF;
    EXCEPTION WHEN OTHERS THEN
      PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    END;
  END IF;
  RETURN NULL;
END
$body$;

CREATE FUNCTION embedd.capture_update_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
  BEGIN
    IF NOT pg_catalog.record_image_ne(ROW(OLD."title", OLD."body", OLD."slug", OLD."Part"), ROW(NEW."title", NEW."body", NEW."slug", NEW."Part")) THEN RETURN NULL; END IF;
    IF pg_catalog.pg_typeof(NEW."slug") OPERATOR(pg_catalog.<>) 'public.slug'::pg_catalog.regtype OR pg_catalog.pg_typeof(NEW."Part") OPERATOR(pg_catalog.<>) 'pg_catalog.int4'::pg_catalog.regtype THEN
      RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
    END IF;
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    RETURN NULL;
  END;
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed' THEN
    PERFORM embedd.capture_changed_7(OLD."slug", OLD."Part", NEW."slug", NEW."Part");
  ELSE
    BEGIN
      PERFORM embedd.capture_changed_7(OLD."slug", OLD."Part", NEW."slug", NEW."Part");
    EXCEPTION WHEN OTHERS THEN
      PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    END;
  END IF;
  RETURN NULL;
END
$body$;

CREATE FUNCTION embedd.capture_delete_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $body$
BEGIN
  BEGIN
    IF (SELECT pg_catalog.pg_typeof(t."slug") OPERATOR(pg_catalog.<>) 'public.slug'::pg_catalog.regtype OR pg_catalog.pg_typeof(t."Part") OPERATOR(pg_catalog.<>) 'pg_catalog.int4'::pg_catalog.regtype FROM embedd_rows t LIMIT 1) THEN
      RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
    END IF;
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    RETURN NULL;
  END;
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed' THEN
    DELETE FROM embedd.queue_7 q USING embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part";
    DELETE FROM embedd.ledger_7 q USING embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part";
    PERFORM set_config('embedd.follows', 'on', true);
DELETE FROM embedd.chunks_7 x WHERE x.hash IN (SELECT q.hash FROM embedd.staged_7 q, embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part")
  AND NOT EXISTS (SELECT FROM embedd.staged_7 q WHERE q.hash = x.hash AND NOT EXISTS (SELECT FROM embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part"));
DELETE FROM public.notes_embedding_store s USING embedd_rows t WHERE s."slug" = t."slug" AND s."Part" = t."Part";
DELETE FROM embedd.placed_7 q USING embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part";
DELETE FROM embedd.staged_7 q USING embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part";
PERFORM set_config('embedd.follows', '', true);
IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
      PERFORM embedd.capture_forget_7(t."slug", t."Part") FROM embedd_rows t;
    END IF;
  ELSE
    BEGIN
      DELETE FROM embedd.queue_7 q USING embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part";
      DELETE FROM embedd.ledger_7 q USING embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part";
      PERFORM set_config('embedd.follows', 'on', true);
DELETE FROM embedd.chunks_7 x WHERE x.hash IN (SELECT q.hash FROM embedd.staged_7 q, embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part")
  AND NOT EXISTS (SELECT FROM embedd.staged_7 q WHERE q.hash = x.hash AND NOT EXISTS (SELECT FROM embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part"));
DELETE FROM public.notes_embedding_store s USING embedd_rows t WHERE s."slug" = t."slug" AND s."Part" = t."Part";
DELETE FROM embedd.placed_7 q USING embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part";
DELETE FROM embedd.staged_7 q USING embedd_rows t WHERE q.k1 = t."slug" AND q.k2 = t."Part";
PERFORM set_config('embedd.follows', '', true);
IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
        PERFORM embedd.capture_forget_7(t."slug", t."Part") FROM embedd_rows t;
      END IF;
    EXCEPTION WHEN OTHERS THEN
      PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    END;
  END IF;
  RETURN NULL;
END
$body$;

CREATE FUNCTION embedd.capture_truncate_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  BEGIN
    BEGIN
      DELETE FROM embedd.dead_letters WHERE vectorizer_id = 7;
      DELETE FROM embedd.queue_7 WHERE ctid = ANY (ARRAY(SELECT q.ctid FROM embedd.queue_7 q LIMIT 20000 FOR UPDATE SKIP LOCKED));
    EXCEPTION WHEN serialization_failure THEN NULL;
    END;
    BEGIN
      LOCK TABLE embedd.ledger_7 IN ACCESS EXCLUSIVE MODE NOWAIT;
      TRUNCATE embedd.ledger_7;
    EXCEPTION WHEN lock_not_available THEN
      BEGIN
        DELETE FROM embedd.ledger_7;
      EXCEPTION WHEN serialization_failure THEN NULL;
      END;
    END;
PERFORM set_config('embedd.follows', 'on', true);
BEGIN
  LOCK TABLE public.notes_embedding_store, embedd.placed_7, embedd.staged_7 IN ACCESS EXCLUSIVE MODE NOWAIT;
  TRUNCATE public.notes_embedding_store, embedd.placed_7, embedd.staged_7;
EXCEPTION WHEN lock_not_available OR insufficient_privilege OR feature_not_supported THEN
  BEGIN
    DELETE FROM public.notes_embedding_store;
    DELETE FROM embedd.placed_7;
    DELETE FROM embedd.staged_7;
  EXCEPTION WHEN serialization_failure THEN NULL;
  END;
END;
PERFORM set_config('embedd.follows', '', true);
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
  END;
  RETURN NULL;
END
$body$;

CREATE FUNCTION embedd.capture_changed_7(o1 text, o2 integer, n1 text, n2 integer) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF (o1, o2) IS DISTINCT FROM (n1, n2) THEN
    UPDATE embedd.queue_7 q SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now(), cut_hash = NULL WHERE q.k1 = o1 AND q.k2 = o2;
    UPDATE embedd.staged_7 q SET k1 = n1, k2 = n2 WHERE q.k1 = o1 AND q.k2 = o2 AND NOT EXISTS (SELECT FROM embedd.staged_7 q WHERE q.k1 = n1 AND q.k2 = n2);
    IF EXISTS (SELECT FROM embedd.ledger_7 q WHERE q.k1 = n1 AND q.k2 = n2) OR NOT EXISTS (SELECT FROM embedd.ledger_7 q WHERE q.k1 = o1 AND q.k2 = o2) THEN
      DELETE FROM embedd.ledger_7 q WHERE (q.k1 = o1 AND q.k2 = o2) OR (q.k1 = n1 AND q.k2 = n2);
    ELSE
      UPDATE embedd.ledger_7 q SET k1 = n1, k2 = n2 WHERE q.k1 = o1 AND q.k2 = o2;
PERFORM set_config('embedd.follows', 'on', true);
UPDATE public.notes_embedding_store s SET "slug" = n1, "Part" = n2 WHERE s."slug" = o1 AND s."Part" = o2 AND NOT EXISTS (SELECT FROM public.notes_embedding_store o WHERE o."slug" = n1 AND o."Part" = n2);
UPDATE embedd.placed_7 q SET k1 = n1, k2 = n2 WHERE q.k1 = o1 AND q.k2 = o2 AND NOT EXISTS (SELECT FROM embedd.placed_7 q WHERE q.k1 = n1 AND q.k2 = n2);
PERFORM set_config('embedd.follows', '', true);
    END IF;
    IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
      PERFORM embedd.capture_forget_7(o1, o2);
    END IF;
  END IF;
  INSERT INTO embedd.queue_7 AS q (k1, k2) SELECT n1, n2
  ON CONFLICT (k1, k2) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now(), cut_hash = NULL;
  IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
    PERFORM embedd.capture_forget_7(n1, n2);
  END IF;
  IF true AND current_setting('embedd.hinted_7', true) IS DISTINCT FROM '1'
    AND current_setting('embedd.hint', true) IS DISTINCT FROM 'off' THEN
  PERFORM set_config('embedd.hinted_7', '1', true);
  IF NOT EXISTS (SELECT FROM embedd.queue_7 WHERE priority IN (0, 1) AND run_at > now() AND lease IS NOT NULL) THEN
    PERFORM pg_notify('embedd', '7');
  END IF;
END IF;
END
$body$;

CREATE FUNCTION embedd.capture_forget_7(o1 text, o2 integer) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = '1' SET bytea_output = 'hex' SET xmlbinary = 'base64' SET lc_monetary = 'C' AS $body$
BEGIN
  DELETE FROM embedd.dead_letters d USING (SELECT $1 AS k1, $2 AS k2) q WHERE d.vectorizer_id = 7 AND d.key = pg_catalog.jsonb_build_object('slug', q.k1, 'Part', q.k2);
END
$body$;

CREATE FUNCTION embedd.capture_store_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF 'on' IN (current_setting('embedd.settles', true), current_setting('embedd.follows', true)) THEN RETURN NULL; END IF;
  BEGIN
    IF pg_catalog.pg_typeof(coalesce(NEW."slug", OLD."slug")) OPERATOR(pg_catalog.<>) 'text'::pg_catalog.regtype OR pg_catalog.pg_typeof(coalesce(NEW."Part", OLD."Part")) OPERATOR(pg_catalog.<>) 'integer'::pg_catalog.regtype THEN
      RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
    END IF;
    IF TG_OP <> 'INSERT' THEN
      INSERT INTO embedd.queue_7 AS q (k1, k2) SELECT OLD."slug", OLD."Part"
      ON CONFLICT (k1, k2) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now(), cut_hash = NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO embedd.queue_7 AS q (k1, k2) SELECT NEW."slug", NEW."Part"
      ON CONFLICT (k1, k2) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now(), cut_hash = NULL;
    END IF;
    IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
      IF TG_OP <> 'INSERT' THEN PERFORM embedd.capture_forget_7(OLD."slug", OLD."Part"); END IF;
      IF TG_OP <> 'DELETE' THEN PERFORM embedd.capture_forget_7(NEW."slug", NEW."Part"); END IF;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
  END;
  RETURN NULL;
END
$body$;

CREATE FUNCTION embedd.capture_emptied_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF 'on' IN (current_setting('embedd.settles', true), current_setting('embedd.follows', true)) THEN RETURN NULL; END IF;
  PERFORM embedd.record_missed(7, '00000', '');
  RETURN NULL;
END
$body$;

CREATE FUNCTION embedd.capture_arrived_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $body$
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(111516266, 7);
  UPDATE embedd.queue_7 q SET run_at = now()
  FROM (
    SELECT q.ctid AS at FROM embedd.queue_7 q
    WHERE (q.k1, q.k2) IN (SELECT g.k1, g.k2 FROM embedd_rows r JOIN embedd.staged_7 g ON g.hash = r.hash WHERE r.embedding IS NOT NULL)
      AND q.kept_hash IS NOT NULL AND q.lease IS NULL AND q.run_at > now()
      AND NOT EXISTS (SELECT FROM embedd.staged_7 g WHERE g.k1 = q.k1 AND g.k2 = q.k2 AND NOT EXISTS (SELECT x.embedding, x.model_id, x.model_version FROM embedd.chunks_7 x WHERE x.hash = g.hash AND x.embedding IS NOT NULL UNION ALL SELECT s.embedding, s.model_id, s.model_version FROM embedd.placed_7 p JOIN public.notes_embedding_store s ON s."slug" OPERATOR(pg_catalog.=) p.k1 AND s."Part" OPERATOR(pg_catalog.=) p.k2 AND s.chunk_seq = p.seq WHERE p.hash = g.hash AND p.vector_hash = pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((s.embedding)::public.vector)), 'hex') COLLATE pg_catalog."C", 0) LIMIT 1))
    FOR UPDATE SKIP LOCKED) due
  WHERE q.ctid = due.at;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END
$body$;

CREATE TRIGGER embedd_insert_7 AFTER INSERT ON public.notes REFERENCING NEW TABLE AS embedd_rows FOR EACH STATEMENT EXECUTE FUNCTION embedd.capture_insert_7();

CREATE TRIGGER embedd_update_7 AFTER UPDATE ON public.notes FOR EACH ROW EXECUTE FUNCTION embedd.capture_update_7();

CREATE TRIGGER embedd_delete_7 AFTER DELETE ON public.notes REFERENCING OLD TABLE AS embedd_rows FOR EACH STATEMENT EXECUTE FUNCTION embedd.capture_delete_7();

CREATE TRIGGER embedd_truncate_7 AFTER TRUNCATE ON public.notes FOR EACH STATEMENT EXECUTE FUNCTION embedd.capture_truncate_7();

CREATE TRIGGER embedd_store_7 AFTER INSERT OR UPDATE OR DELETE ON public.notes_embedding_store FOR EACH ROW EXECUTE FUNCTION embedd.capture_store_7();

CREATE TRIGGER embedd_emptied_7 AFTER TRUNCATE ON public.notes_embedding_store FOR EACH STATEMENT EXECUTE FUNCTION embedd.capture_emptied_7();

CREATE TRIGGER embedd_arrived_7 AFTER UPDATE ON embedd.chunks_7 REFERENCING NEW TABLE AS embedd_rows FOR EACH STATEMENT EXECUTE FUNCTION embedd.capture_arrived_7();

REVOKE EXECUTE ON FUNCTION embedd.capture_insert_7 FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION embedd.capture_update_7 FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION embedd.capture_delete_7 FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION embedd.capture_truncate_7 FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION embedd.capture_changed_7 FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION embedd.capture_forget_7 FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION embedd.capture_store_7 FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION embedd.capture_emptied_7 FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION embedd.capture_arrived_7 FROM PUBLIC;
