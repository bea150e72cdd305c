-- Leases: which process has a run, what it tells the log, how a run is cancelled, and who takes over what was lost.

-- Returns a run as those know it who carry it on.
CREATE OR REPLACE FUNCTION shown_run(_run runs, _assistant uuid) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = backboard, pg_temp
AS $$
    SELECT jsonb_build_object(
        'tenant_id', _run.tenant_id, 'run_id', _run.id, 'thread_id', _run.thread_id, 'assistant_id', _assistant,
        'answer_id', _run.message_id, 'question_id', _run.question_id, 'key_id', _run.key_id, 'epoch', _run.epoch,
        'status', _run.status, 'options', _run.options, 'model_provider', _run.model_provider,
        'model_name', _run.model_name, 'logged_through', _run.logged_through, 'step_after', _run.step_after,
        'takeovers', _run.takeovers, 'is_cancel_requested', _run.cancel_requested_at IS NOT NULL
    )
$$;
REVOKE ALL ON FUNCTION shown_run(runs, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shown_run(runs, uuid) TO backboard_app;

-- The one exchange of a process with the database about all its runs of a tenant: appends what they said to their logs,
-- renews their leases, and returns what has become of them, with new rows of the logs that are followed.
-- A batch that was appended before changes nothing, so that a lost answer may be asked for again.
CREATE OR REPLACE FUNCTION sync_runs(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _states jsonb;
    _followed jsonb;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    IF _request ? 'lease_seconds' THEN  -- many runs are written: in the order of their ids, as everywhere
        PERFORM FROM runs AS r
        WHERE r.tenant_id = _tenant AND r.status IN ('QUEUED', 'IN_PROGRESS') AND r.id IN (
            SELECT w.run_id FROM jsonb_to_recordset(_request -> 'watched') AS w (run_id uuid)
        )
        ORDER BY r.id
        FOR NO KEY UPDATE;
    END IF;
    IF _request ? 'batches' THEN
        WITH taken AS (
            UPDATE runs AS r
            SET logged_through = b.last_sequence
            FROM (
                SELECT o.* FROM jsonb_to_recordset(_request -> 'batches') AS o (
                    run_id uuid, epoch integer, first_sequence bigint, last_sequence bigint, events text
                ) ORDER BY o.run_id
            ) AS b
            WHERE r.tenant_id = _tenant AND r.id = b.run_id AND r.status = 'IN_PROGRESS' AND r.epoch = b.epoch
              AND r.logged_through < b.first_sequence
            RETURNING b.run_id, b.first_sequence, b.last_sequence, b.events
        )
        INSERT INTO run_events (tenant_id, run_id, first_sequence, last_sequence, events)
        SELECT _tenant, t.run_id, t.first_sequence, t.last_sequence, t.events FROM taken AS t;
    END IF;
    IF _request ? 'lease_seconds' THEN
        UPDATE runs AS r
        SET lease_until = now() + make_interval(secs => (_request ->> 'lease_seconds')::double precision)
        FROM jsonb_to_recordset(_request -> 'watched') AS w (run_id uuid, epoch integer)
        WHERE r.tenant_id = _tenant AND r.id = w.run_id AND r.epoch = w.epoch
          AND r.status IN ('QUEUED', 'IN_PROGRESS');
    END IF;
    SELECT jsonb_agg(jsonb_build_object(
        'run_id', r.id, 'status', r.status, 'epoch', r.epoch, 'logged_through', r.logged_through,
        'is_cancel_requested', r.cancel_requested_at IS NOT NULL
    ))
    INTO _states
    FROM jsonb_to_recordset(_request -> 'watched') AS w (run_id uuid)
    JOIN runs AS r ON r.tenant_id = _tenant AND r.id = w.run_id;
    SELECT jsonb_agg(jsonb_build_object(
        'run_id', r.id, 'status', r.status, 'epoch', r.epoch, 'logged_through', r.logged_through, 'rows', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'first_sequence', e.first_sequence, 'last_sequence', e.last_sequence, 'events', e.events
            ) ORDER BY e.last_sequence), '[]')
            FROM run_events AS e
            WHERE e.tenant_id = _tenant AND e.run_id = r.id AND e.last_sequence > f.after
        )
    ))
    INTO _followed
    FROM jsonb_to_recordset(_request -> 'followed') AS f (run_id uuid, after bigint)
    JOIN runs AS r ON r.tenant_id = _tenant AND r.id = f.run_id;
    RETURN jsonb_build_object('states', coalesce(_states, '[]'), 'followed', coalesce(_followed, '[]'));
END $$;
REVOKE ALL ON FUNCTION sync_runs(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sync_runs(uuid, jsonb) TO backboard_app;

-- Cancels a run: at once where no process is working on it, else by asking the one that is. Returns its status.
CREATE OR REPLACE FUNCTION cancel_run(_tenant uuid, _thread uuid, _run uuid) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _found runs;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    PERFORM FROM threads AS t WHERE t.tenant_id = _tenant AND t.id = _thread FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Thread not found' USING ERRCODE = 'BB404';
    END IF;
    SELECT * INTO _found FROM runs AS r
    WHERE r.tenant_id = _tenant AND r.thread_id = _thread AND r.id = _run FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Run not found' USING ERRCODE = 'BB404';
    END IF;
    IF _found.status IN ('QUEUED', 'REQUIRES_ACTION') THEN
        PERFORM end_idle_run(_tenant, _found, 'cancelled', 'The run was cancelled.');
        RETURN 'CANCELLED';
    END IF;
    UPDATE runs AS r SET cancel_requested_at = coalesce(r.cancel_requested_at, now())
    WHERE r.tenant_id = _tenant AND r.id = _run AND r.status = 'IN_PROGRESS';
    RETURN _found.status;
END $$;
REVOKE ALL ON FUNCTION cancel_run(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cancel_run(uuid, uuid, uuid) TO backboard_app;

-- Takes over one run of a tenant from whichever process has it, and returns it. Null where it has ended.
CREATE OR REPLACE FUNCTION take_over_run(_tenant uuid, _run uuid, _lease interval) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _taken runs;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    UPDATE runs AS r SET epoch = r.epoch + 1, takeovers = r.takeovers + 1, lease_until = now() + _lease
    WHERE r.tenant_id = _tenant AND r.id = _run AND r.status = 'IN_PROGRESS'
    RETURNING * INTO _taken;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT shown_run(_taken, t.assistant_id) FROM threads AS t
        WHERE t.tenant_id = _tenant AND t.id = _taken.thread_id
    );
END $$;
REVOKE ALL ON FUNCTION take_over_run(uuid, uuid, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_over_run(uuid, uuid, interval) TO backboard_app;

-- Takes over runs whose process let their lease run out, of any tenant, and returns them.
-- With the owner's rights; what follows runs under the run's own tenant.
CREATE OR REPLACE FUNCTION claim_lost_runs(_limit integer, _lease interval) RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path = backboard, pg_temp
AS $$
    WITH lost AS (
        SELECT l.tenant_id, l.id FROM runs AS l
        WHERE l.status IN ('QUEUED', 'IN_PROGRESS') AND l.lease_until < now()
        ORDER BY l.lease_until
        LIMIT _limit
        FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE runs AS r
        SET epoch = r.epoch + 1, lease_until = now() + _lease,
            takeovers = r.takeovers + (r.status = 'IN_PROGRESS')::integer  -- one that waits cannot have killed anything
        FROM lost AS l
        WHERE r.tenant_id = l.tenant_id AND r.id = l.id
        RETURNING r.*
    )
    SELECT shown_run(ROW(t.*)::runs, NULL)::text FROM taken AS t
$$;
REVOKE ALL ON FUNCTION claim_lost_runs(integer, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_lost_runs(integer, interval) TO backboard_app;
