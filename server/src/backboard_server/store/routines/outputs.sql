-- Outputs of the application's tools: taken once, whole, and the run goes on.

-- Stores the outputs that a run waits for and reads what its prompt is made of now. Without run_id it is the run of the
-- thread that waits. The same outputs again change nothing: {"repeated": …} says which run and calls they were.
CREATE OR REPLACE FUNCTION continue_turn(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _r record;
    _thread threads;
    _run runs;
    _assistant assistants;
    _stub messages;
    _pending jsonb;
    _repeated jsonb;
    _logged bigint;
    _budget_left double precision;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _r FROM jsonb_to_record(_request) AS r (
        thread_id uuid, run_id uuid, answer_id uuid, outputs jsonb, options jsonb, key_id uuid,
        lease_seconds double precision, log jsonb, idempotency_key text, fingerprint text
    );
    SELECT * INTO _thread FROM threads AS t WHERE t.tenant_id = _tenant AND t.id = _r.thread_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Thread not found' USING ERRCODE = 'BB404';
    END IF;
    SELECT * INTO _run FROM runs AS r
    WHERE r.tenant_id = _tenant AND r.thread_id = _r.thread_id AND (_r.run_id IS NULL OR r.id = _r.run_id)
    ORDER BY (r.status = 'REQUIRES_ACTION') DESC, r.id DESC
    LIMIT 1
    FOR UPDATE;
    IF NOT FOUND AND _r.run_id IS NOT NULL THEN
        RAISE EXCEPTION 'Run not found' USING ERRCODE = 'BB404';
    ELSIF NOT FOUND THEN
        RAISE EXCEPTION 'No run of this thread waits for tool outputs.' USING ERRCODE = 'BB409';
    END IF;
    IF _r.idempotency_key IS NOT NULL THEN
        _repeated := claim_key(_tenant, _r.idempotency_key, _r.fingerprint, _r.answer_id, _run.id);
        IF _repeated IS NOT NULL THEN
            RETURN jsonb_build_object('repeated', _repeated);
        END IF;
    END IF;
    IF are_repeated(_tenant, _run, _r.outputs) THEN
        RETURN jsonb_build_object('repeated', jsonb_build_object('run_id', _run.id));
    END IF;
    IF _run.status <> 'REQUIRES_ACTION' THEN
        RAISE EXCEPTION 'Run % does not wait for tool outputs: it is %.%', _run.id, _run.status,
            coalesce(' ' || _run.error, '') USING ERRCODE = 'BB409';
    END IF;
    SELECT * INTO STRICT _stub FROM messages AS m WHERE m.tenant_id = _tenant AND m.id = _run.message_id;
    _pending := pending_calls(_tenant, _stub);
    PERFORM check_outputs(_pending, _r.outputs);
    -- Whether it is enough is seen when the model is called: the outputs are kept in any case.
    _budget_left := budget_left(_tenant, _r.key_id, _run.model_name, true, true);

    PERFORM insert_outputs(_tenant, _thread.id, _run.id, (
        SELECT jsonb_agg(o.value || jsonb_build_object('name', c.value ->> 'name') ORDER BY o.ordinality)
        FROM jsonb_array_elements(_r.outputs) WITH ORDINALITY AS o
        JOIN jsonb_array_elements(_pending) AS c ON c.value ->> 'id' = o.value ->> 'tool_call_id'
    ));
    UPDATE messages AS m SET status = 'COMPLETED' WHERE m.tenant_id = _tenant AND m.id = _stub.id;
    _logged := _run.logged_through + (_r.log ->> 'count')::bigint;
    INSERT INTO run_events (tenant_id, run_id, first_sequence, last_sequence, events)
    VALUES (_tenant, _run.id, _run.logged_through + 1, _logged, _r.log ->> 'events');
    UPDATE runs AS r
    SET status = 'IN_PROGRESS', message_id = _r.answer_id, epoch = r.epoch + 1, ended_at = NULL,
        options = r.options || _r.options, key_id = _r.key_id, logged_through = _logged, step_after = _logged,
        cancel_requested_at = NULL, log_purged_at = NULL, takeovers = 0, lease_until = now() + make_interval(secs => _r.lease_seconds)
    WHERE r.tenant_id = _tenant AND r.id = _run.id
    RETURNING * INTO _run;
    SELECT * INTO _thread FROM threads AS t WHERE t.tenant_id = _tenant AND t.id = _thread.id;
    SELECT * INTO STRICT _assistant FROM assistants AS a WHERE a.tenant_id = _tenant AND a.id = _thread.assistant_id;
    RETURN json_build_object(
        'run', shown_run(_run, _thread.assistant_id),
        'turn', read_turn(_tenant, _thread, _assistant, _thread.message_count, _run.id, _request, _budget_left)
    );
END $$;
REVOKE ALL ON FUNCTION continue_turn(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION continue_turn(uuid, jsonb) TO backboard_app;

-- Returns the calls of an answer that have no output yet.
CREATE OR REPLACE FUNCTION pending_calls(_tenant uuid, _stub messages) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = backboard, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(c.value ORDER BY c.ordinality), '[]')
    FROM jsonb_array_elements(_stub.tool_calls) WITH ORDINALITY AS c
    WHERE NOT EXISTS (
        SELECT FROM messages AS m
        WHERE m.tenant_id = _tenant AND m.thread_id = _stub.thread_id AND m.run_id = _stub.run_id
          AND m.sequence > _stub.sequence AND m.role = 'tool' AND m.tool_call_id = c.value ->> 'id'
    )
$$;
REVOKE ALL ON FUNCTION pending_calls(uuid, messages) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pending_calls(uuid, messages) TO backboard_app;

-- Raises what is wrong with outputs: calls that nobody made, and calls that are left without one.
CREATE OR REPLACE FUNCTION check_outputs(_pending jsonb, _outputs jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = backboard, pg_temp
AS $$
DECLARE
    _unknown text;
    _missing text;
BEGIN
    SELECT string_agg(left(o.value ->> 'tool_call_id', 100), ', ') INTO _unknown
    FROM jsonb_array_elements(_outputs) AS o
    WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(_pending) AS c WHERE c.value ->> 'id' = o.value ->> 'tool_call_id');
    SELECT string_agg(left(c.value ->> 'id', 100), ', ') INTO _missing
    FROM jsonb_array_elements(_pending) AS c
    WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(_outputs) AS o WHERE o.value ->> 'tool_call_id' = c.value ->> 'id');
    IF _unknown IS NOT NULL OR _missing IS NOT NULL THEN
        RAISE EXCEPTION '%', concat_ws(' ',
            'tool_outputs must answer each pending call of the run once.',
            'Unknown: ' || left(_unknown, 500) || '.', 'Missing: ' || left(_missing, 500) || '.'
        ) USING ERRCODE = 'BB400';
    END IF;
END $$;
REVOKE ALL ON FUNCTION check_outputs(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION check_outputs(jsonb, jsonb) TO backboard_app;

-- Returns whether these outputs were handed in before, all of them. Raises BB409 where they were others then.
CREATE OR REPLACE FUNCTION are_repeated(_tenant uuid, _run runs, _outputs jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = backboard, pg_temp
AS $$
DECLARE
    _known integer;
    _same integer;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE m.content = o.value ->> 'output')
    INTO _known, _same
    FROM jsonb_array_elements(_outputs) AS o
    JOIN messages AS m
      ON m.tenant_id = _tenant AND m.thread_id = _run.thread_id AND m.run_id = _run.id
     AND m.sequence > coalesce(_run.question_sequence, 0) AND m.role = 'tool'
     AND m.tool_call_id = o.value ->> 'tool_call_id';
    IF _known = 0 OR _known < jsonb_array_length(_outputs) AND _run.status = 'REQUIRES_ACTION' THEN
        RETURN false;
    END IF;
    IF _same < jsonb_array_length(_outputs) THEN
        RAISE EXCEPTION 'Other outputs were handed in for these calls of run % before; they stay as they are.', _run.id
            USING ERRCODE = 'BB409';
    END IF;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION are_repeated(uuid, runs, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION are_repeated(uuid, runs, jsonb) TO backboard_app;
