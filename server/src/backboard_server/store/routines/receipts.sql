-- Past turns: what the receipt of an answer says that the model saw, read once more.

-- Returns the messages and the files of an ended run, as far as they are still there, and what may be spent on it now.
CREATE OR REPLACE FUNCTION past_turn(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _r record;
    _run runs;
    _history jsonb;
    _files jsonb;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _r FROM jsonb_to_record(_request) AS r (
        run_id uuid, message_ids uuid[], question_id uuid, document_ids uuid[], key_id uuid, model_name text,
        is_priced boolean, is_free boolean
    );
    SELECT * INTO _run FROM runs AS r WHERE r.tenant_id = _tenant AND r.id = _r.run_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Run not found' USING ERRCODE = 'BB404';
    ELSIF _run.status IN ('QUEUED', 'IN_PROGRESS', 'REQUIRES_ACTION') THEN
        RAISE EXCEPTION 'The run of this answer has not ended: % is %. Replay the answer when it has.', _run.id, _run.status
            USING ERRCODE = 'BB409';
    END IF;

    SELECT jsonb_agg(jsonb_build_object(
        'id', m.id, 'role', m.role, 'content', m.content, 'status', m.status, 'tokens', m.tokens,
        'tool_calls', m.tool_calls, 'tool_call_id', m.tool_call_id, 'model_provider', m.model_provider,
        'sidecar', m.sidecar
    ) ORDER BY asked.ordinality)
    INTO _history
    FROM unnest(_r.message_ids) WITH ORDINALITY AS asked (id, ordinality)
    JOIN messages AS m ON m.tenant_id = _tenant AND m.thread_id = _run.thread_id AND m.id = asked.id;

    -- As they were shown: those of the question in the order in which they came, then the others, newest first.
    SELECT jsonb_agg(jsonb_build_object(
        'message_id', d.message_id, 'document_id', d.id, 'filename', d.filename, 'media_type', d.media_type,
        'file_size_bytes', d.file_size_bytes, 'blob_key', d.blob_key
    ) ORDER BY (d.message_id = _r.question_id) DESC, CASE WHEN d.message_id = _r.question_id THEN d.id END, d.id DESC)
    INTO _files
    FROM documents AS d
    WHERE d.tenant_id = _tenant AND d.thread_id = _run.thread_id AND d.message_id = ANY (_r.message_ids)
      AND (d.message_id = _r.question_id OR d.id = ANY (_r.document_ids));

    RETURN jsonb_build_object(
        'options', _run.options, 'history', coalesce(_history, '[]'), 'files', coalesce(_files, '[]'),
        'budget_left_usd', budget_left(_tenant, _r.key_id, _r.model_name, _r.is_priced, _r.is_free)
    );
END $$;
REVOKE ALL ON FUNCTION past_turn(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION past_turn(uuid, jsonb) TO backboard_app;
