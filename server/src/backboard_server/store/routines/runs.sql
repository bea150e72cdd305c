-- Runs: their turn in the thread, their log, their lease, and how they go on after a tool, a cancel or a crash.

-- Adds what a step used to what the run has used so far; what a provider says it charges is known only where each says it.
CREATE OR REPLACE FUNCTION add_usage(_before jsonb, _more jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = backboard, pg_temp
AS $$
    SELECT CASE WHEN _before IS NULL THEN _more ELSE (
        SELECT jsonb_object_agg(m.key, to_jsonb((m.value #>> '{}')::numeric + (_before ->> m.key)::numeric))
        FROM jsonb_each(_more) AS m
    ) END
$$;
REVOKE ALL ON FUNCTION add_usage(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION add_usage(jsonb, jsonb) TO backboard_app;

-- Appends rows to the log of a run, whose row the caller holds. One that is there already came from an exchange whose
-- answer was lost: it is the same.
CREATE OR REPLACE FUNCTION append_log(_tenant uuid, _run uuid, _log jsonb) RETURNS void
LANGUAGE sql SET search_path = backboard, pg_temp
AS $$
    INSERT INTO run_events (tenant_id, run_id, first_sequence, last_sequence, events)
    SELECT _tenant, _run, l.first_sequence, l.last_sequence, l.events
    FROM jsonb_to_recordset(_log -> 'rows') AS l (first_sequence bigint, last_sequence bigint, events text)
    ON CONFLICT DO NOTHING
$$;
REVOKE ALL ON FUNCTION append_log(uuid, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_log(uuid, uuid, jsonb) TO backboard_app;

-- Ends a run that no process is working on: one that is queued, or waits for the application's tools.
-- Its log has all that it ever told, so the number of its end follows at once.
CREATE OR REPLACE FUNCTION end_idle_run(_tenant uuid, _run runs, _code text, _reason text) RETURNS void
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _last bigint := _run.logged_through + 1;
    _place bigint;
BEGIN
    UPDATE runs AS r
    SET status = 'CANCELLED', error_code = _code, error = _reason, ended_at = now(), lease_until = NULL,
        epoch = r.epoch + 1, logged_through = _last, step_after = _last
    WHERE r.tenant_id = _tenant AND r.id = _run.id;
    INSERT INTO run_events (tenant_id, run_id, first_sequence, last_sequence, events)
    VALUES (_tenant, _run.id, _last, _last, jsonb_build_array(jsonb_build_object(
        'type', 'run_cancelled', 'message_id', CASE WHEN _run.status = 'REQUIRES_ACTION' THEN _run.message_id END,
        'created_at', now()
    ))::text);
    IF _run.status = 'QUEUED' THEN
        UPDATE threads AS t SET message_count = t.message_count + 1, updated_at = now()
        WHERE t.tenant_id = _tenant AND t.id = _run.thread_id
        RETURNING t.message_count INTO _place;
        UPDATE messages AS m SET sequence = _place
        WHERE m.tenant_id = _tenant AND m.id = _run.question_id AND m.sequence IS NULL;
    ELSE
        UPDATE messages AS m SET status = 'CANCELLED'
        WHERE m.tenant_id = _tenant AND m.id = _run.message_id AND m.status = 'REQUIRES_ACTION';
    END IF;
    PERFORM announce_run(_tenant, jsonb_build_object(
        'run_id', _run.id, 'thread_id', _run.thread_id, 'answer_id', _run.message_id, 'status', 'CANCELLED',
        'model_provider', _run.model_provider, 'model_name', _run.model_name, 'error_code', _code, 'error', _reason
    ));
END $$;
REVOKE ALL ON FUNCTION end_idle_run(uuid, runs, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_idle_run(uuid, runs, text, text) TO backboard_app;

-- Tells the tenant's webhooks that a run has ended, or waits for the application.
CREATE OR REPLACE FUNCTION announce_run(_tenant uuid, _outcome jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
BEGIN
    PERFORM announce(_tenant, 'run.' || lower(_outcome ->> 'status'), jsonb_build_object(
        'run_id', _outcome -> 'run_id', 'thread_id', _outcome -> 'thread_id', 'message_id', _outcome -> 'answer_id',
        'assistant_id', (SELECT t.assistant_id FROM threads AS t
                         WHERE t.tenant_id = _tenant AND t.id = (_outcome ->> 'thread_id')::uuid),
        'status', _outcome -> 'status', 'model_provider', _outcome -> 'model_provider',
        'model_name', _outcome -> 'model_name', 'tool_calls', _outcome -> 'tool_calls',
        'error_code', _outcome -> 'error_code', 'error', _outcome -> 'error'
    ))
    WHERE EXISTS (SELECT FROM webhooks AS w WHERE w.tenant_id = _tenant);
END $$;
REVOKE ALL ON FUNCTION announce_run(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce_run(uuid, jsonb) TO backboard_app;

-- Sees to what is under way in a thread, whose row the caller holds, and returns whether a new run is to be queued.
-- A run that waits for the application's tools is not waited for: whoever sends a new message goes on without them.
CREATE OR REPLACE FUNCTION make_way(_tenant uuid, _thread uuid, _policy text) RETURNS boolean
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _run runs;
    _is_busy boolean := false;
BEGIN
    FOR _run IN
        SELECT * FROM runs AS r
        WHERE r.tenant_id = _tenant AND r.thread_id = _thread
          AND r.status IN ('QUEUED', 'IN_PROGRESS', 'REQUIRES_ACTION')
        ORDER BY r.id FOR UPDATE
    LOOP
        IF _policy = 'reject' THEN
            RAISE EXCEPTION 'The thread has a run that is not over: % is %. Wait for its end, cancel it, or send on_active_run "queue" or "cancel".',
                _run.id, _run.status USING ERRCODE = 'BB429';
        ELSIF _run.status = 'REQUIRES_ACTION' THEN
            PERFORM end_idle_run(_tenant, _run, 'superseded', 'A new message was sent before the outputs of the tools.');
        ELSIF _policy = 'cancel' AND _run.status = 'QUEUED' THEN
            PERFORM end_idle_run(_tenant, _run, 'superseded', 'A new message took the place of this one.');
        ELSE
            _is_busy := true;
            UPDATE runs AS r SET cancel_requested_at = coalesce(r.cancel_requested_at, now())
            WHERE r.tenant_id = _tenant AND r.id = _run.id AND _policy = 'cancel';
        END IF;
    END LOOP;
    RETURN _is_busy;
END $$;
REVOKE ALL ON FUNCTION make_way(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_way(uuid, uuid, text) TO backboard_app;

-- Gives a queued run its place in the thread, once it is its turn, and reads what its prompt is made of.
-- Returns {"waits": true} while others are before it, and {"ended": true} where it has been ended or taken over.
-- The others are not locked, as no run of a thread changes its status without the thread's row, which is held here:
-- whoever renews their leases takes several runs, in an order of its own.
CREATE OR REPLACE FUNCTION start_queued(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _thread threads;
    _run runs;
    _other runs;
    _assistant assistants;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _thread FROM threads AS t
    WHERE t.tenant_id = _tenant AND t.id = (_request ->> 'thread_id')::uuid FOR UPDATE;
    SELECT * INTO _run FROM runs AS r
    WHERE r.tenant_id = _tenant AND r.id = (_request ->> 'run_id')::uuid AND r.status = 'QUEUED'
      AND r.epoch = (_request ->> 'epoch')::integer
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN '{"ended": true}';
    END IF;
    FOR _other IN
        SELECT * FROM runs AS r
        WHERE r.tenant_id = _tenant AND r.thread_id = _thread.id AND r.id <> _run.id
          AND (r.status IN ('IN_PROGRESS', 'REQUIRES_ACTION') OR r.status = 'QUEUED' AND r.id < _run.id)
    LOOP
        IF _other.status = 'REQUIRES_ACTION'
            AND _other.ended_at < now() - make_interval(secs => (_request ->> 'tools_wait_seconds')::double precision)
        THEN
            PERFORM end_idle_run(_tenant, _other, 'superseded', 'The outputs of the tools did not come while a message waited.');
        ELSE
            RETURN '{"waits": true}';
        END IF;
    END LOOP;
    SELECT * INTO STRICT _assistant FROM assistants AS a WHERE a.tenant_id = _tenant AND a.id = _thread.assistant_id;
    UPDATE threads AS t SET message_count = t.message_count + 1, updated_at = now()
    WHERE t.tenant_id = _tenant AND t.id = _thread.id
    RETURNING * INTO _thread;
    UPDATE messages AS m SET sequence = _thread.message_count
    WHERE m.tenant_id = _tenant AND m.id = _run.question_id;
    UPDATE runs AS r
    SET status = 'IN_PROGRESS', started_at = now(), question_sequence = _thread.message_count,
        lease_until = now() + make_interval(secs => (_request ->> 'lease_seconds')::double precision)
    WHERE r.tenant_id = _tenant AND r.id = _run.id;
    RETURN read_turn(_tenant, _thread, _assistant, _thread.message_count, _run.id, _request, NULL);
END $$;
REVOKE ALL ON FUNCTION start_queued(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION start_queued(uuid, jsonb) TO backboard_app;

-- Reads what the prompt of a run that goes on is made of: all that was said, its own question and steps included.
CREATE OR REPLACE FUNCTION resume_turn(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _run runs;
    _thread threads;
    _assistant assistants;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _run FROM runs AS r WHERE r.tenant_id = _tenant AND r.id = (_request ->> 'run_id')::uuid;
    SELECT * INTO _thread FROM threads AS t WHERE t.tenant_id = _tenant AND t.id = _run.thread_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Run not found' USING ERRCODE = 'BB404';
    END IF;
    SELECT * INTO STRICT _assistant FROM assistants AS a WHERE a.tenant_id = _tenant AND a.id = _thread.assistant_id;
    RETURN read_turn(_tenant, _thread, _assistant, _thread.message_count, _run.id, _request, NULL);
END $$;
REVOKE ALL ON FUNCTION resume_turn(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resume_turn(uuid, jsonb) TO backboard_app;

-- Stores what tools of the server's returned, once each, and lets the run go on or wait for the application's.
-- Returns null where the run was ended or taken over.
CREATE OR REPLACE FUNCTION finish_calls(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _r record;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _r FROM jsonb_to_record(_request) AS r (
        run_id uuid, thread_id uuid, epoch integer, status text, outputs jsonb, log jsonb, answer_id uuid,
        tool_calls jsonb, model_provider text, model_name text
    );
    PERFORM FROM threads AS t WHERE t.tenant_id = _tenant AND t.id = _r.thread_id FOR UPDATE;
    UPDATE runs AS r
    SET status = _r.status, message_id = coalesce(_r.answer_id, r.message_id),
        ended_at = CASE WHEN _r.status <> 'IN_PROGRESS' THEN now() END,
        lease_until = CASE WHEN _r.status = 'IN_PROGRESS' THEN r.lease_until END,
        logged_through = greatest(r.logged_through, (_r.log ->> 'last_sequence')::bigint),
        step_after = greatest(r.logged_through, (_r.log ->> 'last_sequence')::bigint)
    WHERE r.tenant_id = _tenant AND r.id = _r.run_id AND r.status = 'IN_PROGRESS' AND r.epoch = _r.epoch;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM append_log(_tenant, _r.run_id, _r.log);
    PERFORM insert_outputs(_tenant, _r.thread_id, _r.run_id, _r.outputs);
    IF _r.status = 'REQUIRES_ACTION' THEN
        UPDATE messages AS m SET status = 'REQUIRES_ACTION'
        WHERE m.tenant_id = _tenant AND m.id = _r.answer_id;
        PERFORM announce_run(_tenant, _request);
    END IF;
    RETURN 'stored';
END $$;
REVOKE ALL ON FUNCTION finish_calls(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finish_calls(uuid, jsonb) TO backboard_app;

-- Stores the outputs of tools as messages of the thread, whose row the caller holds.
CREATE OR REPLACE FUNCTION insert_outputs(_tenant uuid, _thread uuid, _run uuid, _outputs jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _before bigint;
BEGIN
    UPDATE threads AS t
    SET message_count = t.message_count + jsonb_array_length(_outputs), updated_at = now()
    WHERE t.tenant_id = _tenant AND t.id = _thread
    RETURNING t.message_count - jsonb_array_length(_outputs) INTO _before;
    INSERT INTO messages (
        tenant_id, id, thread_id, sequence, run_id, role, content, tool_call_id, tool_name, status, tokens
    )
    SELECT _tenant, (o.value ->> 'message_id')::uuid, _thread, _before + o.ordinality, _run, 'tool',
           o.value ->> 'output', o.value ->> 'tool_call_id', o.value ->> 'name',
           CASE WHEN (o.value ->> 'is_error')::boolean THEN 'FAILED' ELSE 'COMPLETED' END,
           (o.value ->> 'tokens')::integer
    FROM jsonb_array_elements(_outputs) WITH ORDINALITY AS o;
END $$;
REVOKE ALL ON FUNCTION insert_outputs(uuid, uuid, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION insert_outputs(uuid, uuid, uuid, jsonb) TO backboard_app;
