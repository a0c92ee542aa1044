CREATE FUNCTION embedd.capture_insert_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  BEGIN
    IF pg_catalog.pg_typeof(NEW."slug") OPERATOR(pg_catalog.<>) 'public.slug'::pg_catalog.regtype OR pg_catalog.pg_typeof(NEW."Part") OPERATOR(pg_catalog.<>) 'pg_catalog.int4'::pg_catalog.regtype THEN
      RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
    END IF;
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    RETURN NULL;
  END;
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed' THEN
    INSERT INTO embedd.queue_7 AS q (k1, k2) SELECT NEW."slug", NEW."Part"
    ON CONFLICT (k1, k2) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now();
    IF true AND current_setting('embedd.hinted_7', true) IS DISTINCT FROM '1'
    AND current_setting('embedd.hint', true) IS DISTINCT FROM 'off' THEN
  PERFORM set_config('embedd.hinted_7', '1', true);
  IF NOT EXISTS (SELECT FROM embedd.queue_7 WHERE priority IN (0, 1) AND run_at > now() AND lease IS NOT NULL) THEN
    PERFORM pg_notify('embedd', '7');
  END IF;
END IF;
  ELSE
    BEGIN
      INSERT INTO embedd.queue_7 AS q (k1, k2) SELECT NEW."slug", NEW."Part"
      ON CONFLICT (k1, k2) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now();
      IF true AND current_setting('embedd.hinted_7', true) IS DISTINCT FROM '1'
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

CREATE FUNCTION embedd.capture_delete_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  BEGIN
    IF pg_catalog.pg_typeof(OLD."slug") OPERATOR(pg_catalog.<>) 'public.slug'::pg_catalog.regtype OR pg_catalog.pg_typeof(OLD."Part") OPERATOR(pg_catalog.<>) 'pg_catalog.int4'::pg_catalog.regtype THEN
      RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
    END IF;
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    RETURN NULL;
  END;
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed' THEN
    DELETE FROM embedd.queue_7 q WHERE q.k1 = OLD."slug" AND q.k2 = OLD."Part";
    DELETE FROM embedd.ledger_7 q WHERE q.k1 = OLD."slug" AND q.k2 = OLD."Part";
    IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
      PERFORM embedd.capture_forget_7(OLD."slug", OLD."Part");
    END IF;
  ELSE
    BEGIN
      DELETE FROM embedd.queue_7 q WHERE q.k1 = OLD."slug" AND q.k2 = OLD."Part";
      DELETE FROM embedd.ledger_7 q WHERE q.k1 = OLD."slug" AND q.k2 = OLD."Part";
      IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
        PERFORM embedd.capture_forget_7(OLD."slug", OLD."Part");
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
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
  END;
  RETURN NULL;
END
$body$;

CREATE FUNCTION embedd.capture_changed_7(o1 text, o2 integer, n1 text, n2 integer) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF (o1, o2) IS DISTINCT FROM (n1, n2) THEN
    UPDATE embedd.queue_7 q SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now() WHERE q.k1 = o1 AND q.k2 = o2;
    IF EXISTS (SELECT FROM embedd.ledger_7 q WHERE q.k1 = n1 AND q.k2 = n2) OR NOT EXISTS (SELECT FROM embedd.ledger_7 q WHERE q.k1 = o1 AND q.k2 = o2) THEN
      DELETE FROM embedd.ledger_7 q WHERE (q.k1 = o1 AND q.k2 = o2) OR (q.k1 = n1 AND q.k2 = n2);
    ELSE
      UPDATE embedd.ledger_7 q SET k1 = n1, k2 = n2 WHERE q.k1 = o1 AND q.k2 = o2;
    END IF;
    IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
      PERFORM embedd.capture_forget_7(o1, o2);
    END IF;
  END IF;
  INSERT INTO embedd.queue_7 AS q (k1, k2) SELECT n1, n2
  ON CONFLICT (k1, k2) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, kept_hash = NULL, kept_at = NULL, changed_at = now();
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

CREATE FUNCTION embedd.capture_vector_7() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
  BEGIN
    IF pg_catalog.pg_column_toast_chunk_id(OLD."embedding") OPERATOR(pg_catalog.=) pg_catalog.pg_column_toast_chunk_id(NEW."embedding") THEN RETURN NEW; END IF;
    IF coalesce(pg_catalog.current_setting('embedd.settles', true), '') OPERATOR(pg_catalog.=) 'on'
        OR NOT pg_catalog.record_image_ne(ROW(OLD."embedding"), ROW(NEW."embedding")) THEN
      RETURN NEW;
    END IF;
    IF pg_catalog.pg_typeof(NEW."slug") OPERATOR(pg_catalog.<>) 'public.slug'::pg_catalog.regtype OR pg_catalog.pg_typeof(NEW."Part") OPERATOR(pg_catalog.<>) 'pg_catalog.int4'::pg_catalog.regtype THEN
      RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another type than when the vectorizer was created';
    END IF;
    IF pg_catalog.pg_typeof(OLD."embedding") OPERATOR(pg_catalog.<>) 'public.vector'::pg_catalog.regtype THEN
      RETURN NEW;
    END IF;
    PERFORM embedd.capture_replaced_7(OLD."slug", OLD."Part", OLD."embedding");
  EXCEPTION WHEN OTHERS THEN
    PERFORM embedd.record_missed(7, SQLSTATE, SQLERRM);
    RETURN NEW;
  END;
  RETURN NEW;
END
$body$;

CREATE FUNCTION embedd.capture_replaced_7(o1 text, o2 integer, v public.vector) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  INSERT INTO embedd.queue_7 AS q (k1, k2, kept, kept_hash, kept_at)
  SELECT o1, o2, CASE WHEN l.text_hash IS NOT NULL THEN v END, l.text_hash, CASE WHEN l.text_hash IS NOT NULL THEN now() END
  FROM (SELECT) one LEFT JOIN embedd.ledger_7 l ON l.k1 = o1 AND l.k2 = o2 AND l.vector_hash = pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(public.vector_send((v)::public.vector)), 'hex') COLLATE pg_catalog."C", 0)
  ON CONFLICT (k1, k2) DO UPDATE
  SET lease = CASE WHEN q.run_at > now() THEN q.lease END,
      run_at = CASE WHEN q.lease IS NOT NULL THEN greatest(q.run_at, now()) ELSE now() END,
      attempt = 0, priority = 0, changed_at = now(),
      kept = coalesce(q.kept, excluded.kept), kept_at = coalesce(q.kept_at, excluded.kept_at),
      kept_hash = CASE WHEN q.kept IS NULL THEN excluded.kept_hash ELSE q.kept_hash END;
  IF EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = 7) THEN
    PERFORM embedd.capture_forget_7(o1, o2);
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

CREATE TRIGGER embedd_insert_7 AFTER INSERT ON public.notes FOR EACH ROW EXECUTE FUNCTION embedd.capture_insert_7();

CREATE TRIGGER embedd_update_7 AFTER UPDATE ON public.notes FOR EACH ROW EXECUTE FUNCTION embedd.capture_update_7();

CREATE TRIGGER embedd_vector_7 BEFORE UPDATE ON public.notes FOR EACH ROW EXECUTE FUNCTION embedd.capture_vector_7();

CREATE TRIGGER embedd_delete_7 AFTER DELETE ON public.notes FOR EACH ROW EXECUTE FUNCTION embedd.capture_delete_7();

CREATE TRIGGER embedd_truncate_7 AFTER TRUNCATE ON public.notes FOR EACH STATEMENT EXECUTE FUNCTION embedd.capture_truncate_7();

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON embedd.queue_7, embedd.ledger_7 TO embedd_capture;

REVOKE EXECUTE ON FUNCTION embedd.capture_insert_7 FROM PUBLIC;

ALTER FUNCTION embedd.capture_insert_7 OWNER TO embedd_capture;

REVOKE EXECUTE ON FUNCTION embedd.capture_update_7 FROM PUBLIC;

ALTER FUNCTION embedd.capture_update_7 OWNER TO embedd_capture;

REVOKE EXECUTE ON FUNCTION embedd.capture_delete_7 FROM PUBLIC;

ALTER FUNCTION embedd.capture_delete_7 OWNER TO embedd_capture;

REVOKE EXECUTE ON FUNCTION embedd.capture_truncate_7 FROM PUBLIC;

ALTER FUNCTION embedd.capture_truncate_7 OWNER TO embedd_capture;

REVOKE EXECUTE ON FUNCTION embedd.capture_vector_7 FROM PUBLIC;

ALTER FUNCTION embedd.capture_vector_7 OWNER TO embedd_capture;

REVOKE EXECUTE ON FUNCTION embedd.capture_changed_7 FROM PUBLIC;

ALTER FUNCTION embedd.capture_changed_7 OWNER TO embedd_capture;

REVOKE EXECUTE ON FUNCTION embedd.capture_forget_7 FROM PUBLIC;

ALTER FUNCTION embedd.capture_forget_7 OWNER TO embedd_capture;

REVOKE EXECUTE ON FUNCTION embedd.capture_replaced_7 FROM PUBLIC;

ALTER FUNCTION embedd.capture_replaced_7 OWNER TO embedd_capture;
