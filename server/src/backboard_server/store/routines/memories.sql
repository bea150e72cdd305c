-- Memory: its scopes, the index that is written with what it indexes, and recall in one round trip.

-- Returns the scope of an assistant, or of one end user of it: what is remembered in one is never found in another.
CREATE OR REPLACE FUNCTION scope_of(_assistant uuid, _user text) RETURNS uuid
LANGUAGE sql IMMUTABLE SET search_path = backboard, pg_temp
AS $$
    SELECT CASE WHEN _user = '' THEN _assistant
           ELSE encode(substring(sha256(convert_to(_assistant::text || ' ' || _user, 'UTF8')) FROM 1 FOR 16), 'hex')::uuid
           END
$$;
REVOKE ALL ON FUNCTION scope_of(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scope_of(uuid, text) TO backboard_app;

-- Indexes a memory, or a message: {"terms", "frequencies", "length"}, as memory/analysis makes them of a text.
CREATE OR REPLACE FUNCTION index_unit(
    _tenant uuid, _scope uuid, _assistant uuid, _thread uuid, _id uuid, _said_at timestamptz, _terms jsonb
) RETURNS void
LANGUAGE sql SET search_path = backboard, pg_temp
AS $$
    INSERT INTO memory_units (tenant_id, scope_id, id, assistant_id, thread_id, said_at, length, terms)
    SELECT _tenant, _scope, _id, _assistant, _thread, _said_at, (_terms ->> 'length')::integer,
           ARRAY(SELECT t::bigint FROM jsonb_array_elements_text(_terms -> 'terms') AS t);
    INSERT INTO memory_postings (tenant_id, scope_id, term, unit_id, frequency, length)
    SELECT _tenant, _scope, t.term::bigint, _id, t.frequency::smallint, (_terms ->> 'length')::integer
    FROM ROWS FROM (
        jsonb_array_elements_text(_terms -> 'terms'), jsonb_array_elements_text(_terms -> 'frequencies')
    ) AS t (term, frequency)
$$;
REVOKE ALL ON FUNCTION index_unit(uuid, uuid, uuid, uuid, uuid, timestamptz, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION index_unit(uuid, uuid, uuid, uuid, uuid, timestamptz, jsonb) TO backboard_app;

-- Postings go with their unit, whatever deletes that, a cascade included.
CREATE OR REPLACE FUNCTION delete_postings() RETURNS trigger
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
BEGIN
    DELETE FROM memory_postings AS p
    USING (SELECT d.tenant_id, d.scope_id, d.id, unnest(d.terms) AS term FROM deleted AS d) AS u
    WHERE p.tenant_id = u.tenant_id AND p.scope_id = u.scope_id AND p.term = u.term AND p.unit_id = u.id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION delete_postings() FROM PUBLIC;

CREATE OR REPLACE TRIGGER memory_units_deleted
AFTER DELETE ON memory_units REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION delete_postings();

-- Units go with their memory.
CREATE OR REPLACE FUNCTION delete_units() RETURNS trigger
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
BEGIN
    DELETE FROM memory_units AS u
    USING deleted AS d
    WHERE u.tenant_id = d.tenant_id AND u.scope_id = scope_of(d.assistant_id, d.user_id) AND u.id = d.id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION delete_units() FROM PUBLIC;

CREATE OR REPLACE TRIGGER memories_deleted
AFTER DELETE ON memories REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION delete_units();

-- Stores a memory with its index, and returns it; one that has this id already stays as it is.
CREATE OR REPLACE FUNCTION insert_memory(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _m record;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _m FROM jsonb_to_record(_request) AS m (
        id uuid, assistant_id uuid, user_id text, content text, metadata jsonb, origin text, kind text, subject text,
        slot text, value text, confidence real, valid_from timestamptz, valid_to timestamptz, terms jsonb
    );
    PERFORM FROM assistants AS a WHERE a.tenant_id = _tenant AND a.id = _m.assistant_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Assistant not found' USING ERRCODE = 'BB404';
    END IF;
    INSERT INTO memories (
        tenant_id, id, assistant_id, user_id, content, metadata, origin, kind, subject, slot, value, confidence,
        valid_from, valid_to
    ) VALUES (
        _tenant, _m.id, _m.assistant_id, coalesce(_m.user_id, ''), _m.content, _m.metadata, _m.origin,
        coalesce(_m.kind, 'fact'), _m.subject, _m.slot, _m.value, coalesce(_m.confidence, 1),
        coalesce(_m.valid_from, now()), _m.valid_to
    ) ON CONFLICT (tenant_id, id) DO NOTHING;
    IF FOUND THEN
        PERFORM index_unit(_tenant, scope_of(_m.assistant_id, coalesce(_m.user_id, '')), _m.assistant_id, NULL, _m.id,
                           coalesce(_m.valid_from, now()), _m.terms);
    END IF;
    RETURN (SELECT to_jsonb(m) FROM memories AS m WHERE m.tenant_id = _tenant AND m.id = _m.id);
END $$;
REVOKE ALL ON FUNCTION insert_memory(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION insert_memory(uuid, jsonb) TO backboard_app;

-- Replaces what a memory says, and its index, and returns it; null where there is none. What was written by hand answers no slot: no
-- rule knows what it says.
CREATE OR REPLACE FUNCTION update_memory(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _changed memories;
    _scope uuid;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    UPDATE memories AS m
    SET content = _request ->> 'content', updated_at = now(), version = m.version + 1,
        metadata = CASE WHEN _request ? 'metadata' THEN nullif(_request -> 'metadata', 'null') ELSE m.metadata END,
        origin = 'manual', subject = NULL, slot = NULL, value = NULL, suspect_since = NULL
    WHERE m.tenant_id = _tenant AND m.assistant_id = (_request ->> 'assistant_id')::uuid
      AND m.id = (_request ->> 'id')::uuid
    RETURNING * INTO _changed;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    _scope := scope_of(_changed.assistant_id, _changed.user_id);
    DELETE FROM memory_units AS u WHERE u.tenant_id = _tenant AND u.scope_id = _scope AND u.id = _changed.id;
    PERFORM index_unit(_tenant, _scope, _changed.assistant_id, NULL, _changed.id, _changed.valid_from,
                       _request -> 'terms');
    RETURN to_jsonb(_changed);
END $$;
REVOKE ALL ON FUNCTION update_memory(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION update_memory(uuid, jsonb) TO backboard_app;

-- Remembers a message as it was said, in the transaction that stores it, and leaves the job that draws memories from it.
-- The operation has the message's id. It waits for the answer, which the job reads too, but not for ever.
CREATE OR REPLACE FUNCTION remember_message(
    _tenant uuid, _assistant uuid, _thread uuid, _message uuid, _run uuid, _remember jsonb, _asked jsonb
) RETURNS void
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _user text := coalesce(_remember ->> 'user_id', '');
BEGIN
    PERFORM index_unit(_tenant, scope_of(_assistant, _user), _assistant, _thread, _message,
                       (_remember ->> 'said_at')::timestamptz, _remember -> 'terms');
    INSERT INTO memory_operations (tenant_id, id, assistant_id, user_id, thread_id, message_id, status)
    VALUES (_tenant, _message, _assistant, _user, _thread, _message, 'IN_PROGRESS');
    INSERT INTO jobs (tenant_id, id, kind, subject, payload, run_after)
    VALUES (
        _tenant, gen_random_uuid(), 'remember_message', _message::text,
        _asked || jsonb_build_object(
            'operation_id', _message, 'assistant_id', _assistant, 'thread_id', _thread, 'message_id', _message,
            'user_id', _user, 'is_pro', coalesce((_remember ->> 'is_pro')::boolean, false),
            'said_at', _remember -> 'said_at'
        ),
        now() + CASE WHEN _run IS NULL THEN INTERVAL '0' ELSE INTERVAL '60 seconds' END
    );
END $$;
REVOKE ALL ON FUNCTION remember_message(uuid, uuid, uuid, uuid, uuid, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION remember_message(uuid, uuid, uuid, uuid, uuid, jsonb, jsonb) TO backboard_app;

-- Remembers an answer beside the message that it is to, if that is still remembered; once the run is over the job may
-- begin, which reads the last answer too.
CREATE OR REPLACE FUNCTION remember_answer(_tenant uuid, _run uuid, _answer uuid, _terms jsonb, _status text) RETURNS void
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _question memory_units;
BEGIN
    SELECT u.* INTO _question
    FROM runs AS r
    JOIN threads AS t ON t.tenant_id = _tenant AND t.id = r.thread_id
    JOIN memory_units AS u ON u.tenant_id = _tenant AND u.id = r.question_id
        AND u.scope_id = scope_of(t.assistant_id, coalesce(r.options ->> 'user_id', ''))
    WHERE r.tenant_id = _tenant AND r.id = _run;
    IF FOUND AND _terms IS NOT NULL THEN
        PERFORM index_unit(_tenant, _question.scope_id, _question.assistant_id, _question.thread_id, _answer,
                           _question.said_at, _terms);
    END IF;
    UPDATE jobs AS j SET run_after = now()
    FROM runs AS r
    WHERE _status IN ('COMPLETED', 'FAILED', 'CANCELLED')
      AND r.tenant_id = _tenant AND r.id = _run AND j.tenant_id = _tenant AND j.kind = 'remember_message'
      AND j.subject = r.question_id::text AND j.status = 'queued' AND j.run_after > now();
END $$;
REVOKE ALL ON FUNCTION remember_answer(uuid, uuid, uuid, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION remember_answer(uuid, uuid, uuid, jsonb, text) TO backboard_app;
