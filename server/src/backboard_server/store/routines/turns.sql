-- The two exchanges of a message with the database: one before the model is called, one after.
-- Each sets the tenant for its own transaction and does all its work in one round trip, under row-level security.

-- Returns what the prompt of a run is made of: the assistant, the window of the history, the files in it.
-- The history ends with the message of sequence _through; the messages of the run itself are never cut off, and what
-- was saved in the thread while a run was under way is not shown to it: its question stays the last one.
CREATE OR REPLACE FUNCTION read_turn(
    _tenant uuid, _thread threads, _assistant assistants, _through bigint, _run uuid, _limits jsonb,
    _budget_left double precision
) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = backboard, pg_temp
AS $$
DECLARE
    _question bigint;
    _after bigint := _thread.summarised_through;  -- the range that is read ends there, however long the thread is
    _later bigint := 0;
    _later_unsummarised bigint := 0;
    _history json;
    _media json;
BEGIN
    IF _run IS NOT NULL THEN
        SELECT r.question_sequence INTO _question FROM runs AS r WHERE r.tenant_id = _tenant AND r.id = _run;
        _after := least(_after, _question - 1);
        SELECT count(*), count(*) FILTER (WHERE m.sequence > _thread.summarised_through)
        INTO _later, _later_unsummarised
        FROM messages AS m
        WHERE m.tenant_id = _tenant AND m.thread_id = _thread.id AND m.sequence > _question
          AND m.sequence <= _through AND m.run_id IS DISTINCT FROM _run;
    END IF;
    SELECT coalesce(json_agg(json_build_object(
        'id', w.id, 'role', w.role, 'content', w.content, 'status', w.status, 'tokens', w.tokens,
        'tool_calls', w.tool_calls, 'tool_call_id', w.tool_call_id, 'model_provider', w.model_provider,
        'sidecar', w.sidecar
    ) ORDER BY w.sequence), '[]')
    INTO _history
    FROM (
        SELECT n.*, sum(n.tokens) OVER (ORDER BY n.sequence DESC) AS running_tokens
        FROM (
            SELECT m.id, m.sequence, m.role, m.content, m.status, m.tokens, m.tool_calls, m.tool_call_id,
                   m.model_provider, m.sidecar, m.run_id
            FROM messages AS m
            WHERE m.tenant_id = _tenant AND m.thread_id = _thread.id AND m.sequence > _after AND m.sequence <= _through
              AND (m.run_id = _run OR m.sequence > _thread.summarised_through
                   AND m.sequence <= coalesce(_question, _through))
            ORDER BY m.sequence DESC
            LIMIT (_limits ->> 'history_messages_max')::integer
        ) AS n
    ) AS w
    WHERE w.running_tokens * _thread.token_ratio
          <= (_limits ->> 'history_tokens_max')::integer - _thread.summary_tokens
       OR w.run_id = _run;

    -- What was attached to earlier messages, newest first: whether it is shown again is decided above the store.
    -- Of the question of a run that goes on there is everything, as names of files that cannot be shown are told.
    SELECT json_agg(json_build_object(
        'message_id', f.message_id, 'document_id', f.id, 'filename', f.filename, 'media_type', f.media_type,
        'file_size_bytes', f.file_size_bytes, 'blob_key', f.blob_key
    ))
    INTO _media
    FROM (
        SELECT d.message_id, d.id, d.filename, d.media_type, d.file_size_bytes, d.blob_key
        FROM documents AS d
        WHERE d.tenant_id = _tenant AND d.thread_id = _thread.id AND d.message_id IS NOT NULL
          AND (d.media_type IS NOT NULL OR d.message_id = (
              SELECT r.question_id FROM runs AS r WHERE r.tenant_id = _tenant AND r.id = _run
          ))
        ORDER BY d.id DESC
        LIMIT (_limits ->> 'media_max')::integer
    ) AS f;

    RETURN json_build_object(
        'thread_id', _thread.id, 'assistant_id', _assistant.id, 'system_prompt', _assistant.system_prompt,
        'tools', _assistant.tools, 'mcp_servers', _assistant.mcp_servers, 'budget_left_usd', _budget_left,
        'fallbacks', _assistant.fallbacks, 'history', _history, 'media', _media,
        'earlier_messages', _through - _later - json_array_length(_history),
        'unsummarised_messages', _through - _thread.summarised_through - _later_unsummarised,
        'summary', _thread.summary, 'summary_tokens', _thread.summary_tokens, 'token_ratio', _thread.token_ratio
    );
END $$;
REVOKE ALL ON FUNCTION read_turn(uuid, threads, assistants, bigint, uuid, jsonb, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_turn(uuid, threads, assistants, bigint, uuid, jsonb, double precision) TO backboard_app;

-- Stores the user's message (and the run, if a model is to answer) and reads what the prompt is made of.
-- Where another run of the thread is under way, the message and its run are queued and no turn is read yet.
CREATE OR REPLACE FUNCTION open_turn(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _r record;
    _assistant assistants;
    _thread threads;
    _turn json;
    _budget_left double precision;
    _repeated jsonb;
    _is_queued boolean := false;
    _through bigint;
    _place bigint;  -- of the message in the thread; null while it waits
    _log jsonb;
    _logged bigint;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _r FROM jsonb_to_record(_request) AS r (
        thread_id uuid, assistant_id uuid, new_thread_id uuid, new_assistant_id uuid, message_id uuid, run_id uuid,
        answer_id uuid, content text, tokens integer, metadata jsonb, attachments jsonb, model_provider text,
        model_name text, default_name text, default_tok_k integer, default_embedding_provider text,
        default_embedding_model_name text, default_embedding_dims integer, key_id uuid, is_priced boolean,
        is_free boolean, options jsonb, on_active_run text, lease_seconds double precision, idempotency_key text,
        fingerprint text, created_at timestamptz
    );
    IF _r.idempotency_key IS NOT NULL THEN
        _repeated := claim_key(_tenant, _r.idempotency_key, _r.fingerprint, _r.message_id, _r.run_id);
        IF _repeated IS NOT NULL THEN
            RETURN jsonb_build_object('repeated', _repeated);
        END IF;
    END IF;
    IF _r.run_id IS NOT NULL THEN
        _budget_left := budget_left(_tenant, _r.key_id, _r.model_name, _r.is_priced, _r.is_free);
    END IF;

    IF _r.thread_id IS NOT NULL THEN
        SELECT * INTO _thread FROM threads AS t WHERE t.tenant_id = _tenant AND t.id = _r.thread_id FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Thread not found' USING ERRCODE = 'BB404';
        END IF;
    END IF;

    IF coalesce(_r.assistant_id, _thread.assistant_id) IS NOT NULL THEN
        SELECT * INTO _assistant FROM assistants AS a
        WHERE a.tenant_id = _tenant AND a.id = coalesce(_r.assistant_id, _thread.assistant_id);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Assistant not found' USING ERRCODE = 'BB404';
        END IF;
    ELSE
        INSERT INTO assistants (
            tenant_id, id, name, tok_k, embedding_provider, embedding_model_name, embedding_dims, is_default
        ) VALUES (
            _tenant, _r.new_assistant_id, _r.default_name, _r.default_tok_k, _r.default_embedding_provider,
            _r.default_embedding_model_name, _r.default_embedding_dims, true
        ) ON CONFLICT (tenant_id) WHERE is_default DO NOTHING;
        SELECT * INTO STRICT _assistant FROM assistants AS a WHERE a.tenant_id = _tenant AND a.is_default;
    END IF;

    IF _thread.id IS NULL THEN
        INSERT INTO threads (tenant_id, id, assistant_id)
        VALUES (_tenant, _r.new_thread_id, _assistant.id)
        RETURNING * INTO _thread;
    ELSIF _thread.assistant_id <> _assistant.id THEN
        RAISE EXCEPTION 'Thread % belongs to assistant %: leave assistant_id out, or start a new thread.',
            _thread.id, _thread.assistant_id USING ERRCODE = 'BB400';
    ELSIF _r.run_id IS NOT NULL AND EXISTS (
        SELECT FROM runs AS r
        WHERE r.tenant_id = _tenant AND r.thread_id = _thread.id
          AND r.status IN ('QUEUED', 'IN_PROGRESS', 'REQUIRES_ACTION')
    ) THEN
        _is_queued := make_way(_tenant, _thread.id, _r.on_active_run);
        SELECT * INTO _thread FROM threads AS t WHERE t.tenant_id = _tenant AND t.id = _thread.id;
    END IF;

    _through := _thread.message_count;
    IF _is_queued THEN
        _turn := json_build_object('thread_id', _thread.id, 'assistant_id', _assistant.id, 'is_queued', true);
    ELSE
        _turn := read_turn(_tenant, _thread, _assistant, _through, NULL, _request, _budget_left);
        _place := _through + 1;
    END IF;

    UPDATE threads AS t
    SET message_count = coalesce(_place, t.message_count), updated_at = now(),
        first_user_message = coalesce(t.first_user_message, left(_r.content, 200))
    WHERE t.tenant_id = _tenant AND t.id = _thread.id;
    INSERT INTO messages (tenant_id, id, thread_id, sequence, run_id, role, content, status, metadata, tokens,
                          created_at)
    VALUES (_tenant, _r.message_id, _thread.id, _place, _r.run_id, 'user',
            _r.content, 'COMPLETED', _r.metadata, _r.tokens, coalesce(_r.created_at, now()));

    IF _r.run_id IS NOT NULL THEN
        _log := _request -> CASE WHEN _is_queued THEN 'queued_log' ELSE 'log' END;
        _logged := coalesce((_log ->> 'last_sequence')::bigint, 0);
        INSERT INTO runs (
            tenant_id, id, thread_id, message_id, status, model_provider, model_name, started_at, question_id,
            question_sequence, key_id, options, lease_until, logged_through, step_after
        ) VALUES (
            _tenant, _r.run_id, _thread.id, _r.answer_id, CASE WHEN _is_queued THEN 'QUEUED' ELSE 'IN_PROGRESS' END,
            _r.model_provider, _r.model_name, CASE WHEN NOT _is_queued THEN now() END, _r.message_id, _place,
            _r.key_id, coalesce(_r.options, '{}'), now() + make_interval(secs => coalesce(_r.lease_seconds, 1860)),
            _logged, _logged
        );
        -- What its client is told at once is in its log from the beginning.
        IF _logged > 0 THEN
            INSERT INTO run_events (tenant_id, run_id, first_sequence, last_sequence, events)
            VALUES (_tenant, _r.run_id, (_log ->> 'first_sequence')::bigint, _logged, _log ->> 'events');
        END IF;
    END IF;
    IF _request ? 'remember' THEN
        PERFORM remember_message(_tenant, _assistant.id, _thread.id, _r.message_id, _r.run_id, _request -> 'remember',
                                 jsonb_build_object('model_provider', _r.model_provider, 'model_name', _r.model_name,
                                                    'key_id', _r.key_id));
    END IF;
    IF _r.attachments IS NOT NULL THEN
        INSERT INTO documents (
            tenant_id, id, thread_id, message_id, filename, file_size_bytes, blob_key, media_type, status
        )
        SELECT _tenant, d.document_id, _thread.id, _r.message_id, d.filename, d.file_size_bytes, d.blob_key,
               d.media_type, 'pending'
        FROM jsonb_to_recordset(_r.attachments) AS d (
            document_id uuid, filename text, file_size_bytes bigint, blob_key text, media_type text
        );
    END IF;
    RETURN _turn;
END $$;
REVOKE ALL ON FUNCTION open_turn(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_turn(uuid, jsonb) TO backboard_app;

-- Stores how the run went: the answer, the usage, the end of the log, and the jobs that it leaves behind.
-- With a status of IN_PROGRESS only a step is over: the answer calls tools of the server's, and the run goes on.
-- Returns null where there is nothing to store it in, as the thread was deleted, the run ended, or another process
-- took it over: what the run used is counted all the same.
CREATE OR REPLACE FUNCTION finish_turn(_tenant uuid, _outcome jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _o record;
    _sequence bigint;
    _is_open boolean;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _o FROM jsonb_to_record(_outcome) AS o (
        thread_id uuid, run_id uuid, answer_id uuid, status text, content text, reasoning text, tool_calls jsonb,
        tokens integer, model_provider text, model_name text, usage jsonb, token_ratio real,
        error_code text, error text, created_at timestamptz, summary_job_id uuid, summary_keep integer,
        sidecar jsonb, attempts jsonb, key_id uuid, assistant_id uuid, cost_usd double precision,
        epoch integer, next_answer_id uuid, log jsonb, receipt text, receipt_texts jsonb, is_remembered boolean
    );

    -- The thread first, as whoever deletes it takes the two in this order.
    PERFORM FROM threads AS t WHERE t.tenant_id = _tenant AND t.id = _o.thread_id FOR UPDATE;
    UPDATE runs AS r
    SET status = _o.status, model_provider = _o.model_provider, model_name = _o.model_name,
        usage = add_usage(r.usage, _o.usage), cost_usd = coalesce(r.cost_usd + _o.cost_usd, _o.cost_usd, r.cost_usd),
        attempts = coalesce(r.attempts, '[]') || coalesce(_o.attempts, '[]'),
        error_code = _o.error_code, error = _o.error,
        message_id = coalesce(_o.next_answer_id, r.message_id),
        ended_at = CASE WHEN _o.status <> 'IN_PROGRESS' THEN now() END,
        lease_until = CASE WHEN _o.status = 'IN_PROGRESS' THEN r.lease_until END,
        logged_through = greatest(r.logged_through, (_o.log ->> 'last_sequence')::bigint),
        step_after = greatest(r.logged_through, (_o.log ->> 'last_sequence')::bigint)
    WHERE r.tenant_id = _tenant AND r.id = _o.run_id AND r.status = 'IN_PROGRESS'
      AND r.epoch = coalesce(_o.epoch, r.epoch);
    _is_open := FOUND;
    -- A process that has lost the run has asked its model all the same: that is counted beside what follows.
    PERFORM count_usage(_tenant, _outcome, _is_open OR EXISTS (
        SELECT FROM runs AS r WHERE r.tenant_id = _tenant AND r.id = _o.run_id AND r.epoch > _o.epoch
    ));
    IF NOT _is_open THEN
        RETURN NULL;
    END IF;
    UPDATE threads AS t
    SET message_count = t.message_count + 1, updated_at = now(),
        token_ratio = coalesce(_o.token_ratio, t.token_ratio)
    WHERE t.tenant_id = _tenant AND t.id = _o.thread_id
    RETURNING t.message_count INTO _sequence;
    PERFORM append_log(_tenant, _o.run_id, _o.log);
    INSERT INTO messages (
        tenant_id, id, thread_id, sequence, run_id, role, content, reasoning, tool_calls, status, tokens,
        model_provider, model_name, input_tokens, output_tokens, cost_usd, sidecar, created_at
    ) VALUES (
        _tenant, _o.answer_id, _o.thread_id, _sequence, _o.run_id, 'assistant', _o.content, _o.reasoning, _o.tool_calls,
        CASE WHEN _o.status = 'IN_PROGRESS' THEN 'COMPLETED' ELSE _o.status END,
        _o.tokens, _o.model_provider, _o.model_name, (_o.usage ->> 'input_tokens')::integer,
        (_o.usage ->> 'output_tokens')::integer, _o.cost_usd, _o.sidecar, _o.created_at
    );
    IF _o.receipt IS NOT NULL THEN
        INSERT INTO receipt_texts (tenant_id, thread_id, digest, content)
        SELECT _tenant, _o.thread_id, x.digest, x.content
        FROM jsonb_to_recordset(_o.receipt_texts) AS x (digest text, content text)
        ON CONFLICT DO NOTHING;
        INSERT INTO receipts (tenant_id, message_id, thread_id, receipt)
        VALUES (_tenant, _o.answer_id, _o.thread_id, _o.receipt);
    END IF;
    IF _o.is_remembered THEN
        PERFORM remember_answer(_tenant, _o.run_id, _o.answer_id, _outcome -> 'remember', _o.status);
    END IF;
    IF _o.status <> 'IN_PROGRESS' THEN
        PERFORM announce_run(_tenant, _outcome);
    END IF;
    IF _o.summary_job_id IS NOT NULL THEN
        INSERT INTO jobs (tenant_id, id, kind, subject, payload)
        VALUES (_tenant, _o.summary_job_id, 'summarise_thread', _o.thread_id::text, json_build_object(
            'thread_id', _o.thread_id, 'keep', _o.summary_keep, 'model_provider', _o.model_provider,
            'model_name', _o.model_name, 'key_id', _o.key_id, 'assistant_id', _o.assistant_id))
        ON CONFLICT (tenant_id, kind, subject) WHERE status = 'queued' DO NOTHING;
    END IF;
    RETURN 'stored';
END $$;
REVOKE ALL ON FUNCTION finish_turn(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finish_turn(uuid, jsonb) TO backboard_app;
