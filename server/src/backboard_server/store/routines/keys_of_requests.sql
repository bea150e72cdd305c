-- Idempotency keys: a request that comes twice with the same key is one request.

-- Claims a key for a request and returns null, or returns what the first request with it has made.
-- Waits for a transaction that is claiming the same key at the moment. A key that is a day old is free again.
CREATE OR REPLACE FUNCTION claim_key(_tenant uuid, _key text, _fingerprint text, _made uuid, _run uuid) RETURNS jsonb
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _first idempotency_keys;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    DELETE FROM idempotency_keys AS k
    WHERE k.tenant_id = _tenant AND k.key = _key AND k.created_at < now() - INTERVAL '24 hours';
    INSERT INTO idempotency_keys (tenant_id, key, fingerprint, made_id, run_id)
    VALUES (_tenant, _key, decode(_fingerprint, 'hex'), _made, _run)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO _first FROM idempotency_keys AS k WHERE k.tenant_id = _tenant AND k.key = _key;
    IF _first.fingerprint <> decode(_fingerprint, 'hex') THEN
        RAISE EXCEPTION 'This Idempotency-Key was used for another request within the last day. Send a fresh key with each new request.'
            USING ERRCODE = 'BB419';
    END IF;
    RETURN jsonb_build_object(
        'made_id', _first.made_id, 'run_id', _first.run_id, 'status', _first.status, 'answer', _first.answer
    );
END $$;
REVOKE ALL ON FUNCTION claim_key(uuid, text, text, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_key(uuid, text, text, uuid, uuid) TO backboard_app;

-- Deletes what is kept for a day only, of all tenants: keys, and logs of runs that ended, but for their last events.
CREATE OR REPLACE FUNCTION purge_expired(_log_age interval, _limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = backboard, pg_temp
AS $$
DECLARE
    _purged integer;
    _rows integer;
BEGIN
    DELETE FROM idempotency_keys AS k USING (
        SELECT o.tenant_id, o.key FROM idempotency_keys AS o
        WHERE o.created_at < now() - INTERVAL '24 hours' ORDER BY o.created_at LIMIT _limit
    ) AS o
    WHERE k.tenant_id = o.tenant_id AND k.key = o.key;
    GET DIAGNOSTICS _purged = ROW_COUNT;
    WITH old AS (
        UPDATE runs AS r SET log_purged_at = now()
        FROM (
            SELECT o.tenant_id, o.id FROM runs AS o
            WHERE o.log_purged_at IS NULL AND o.ended_at < now() - _log_age
            ORDER BY o.ended_at LIMIT _limit
            FOR UPDATE SKIP LOCKED
        ) AS o
        WHERE r.tenant_id = o.tenant_id AND r.id = o.id
        RETURNING r.tenant_id, r.id, r.logged_through
    )
    DELETE FROM run_events AS e USING old AS o
    WHERE e.tenant_id = o.tenant_id AND e.run_id = o.id AND e.last_sequence < o.logged_through;
    GET DIAGNOSTICS _rows = ROW_COUNT;
    RETURN _purged + _rows;
END $$;
REVOKE ALL ON FUNCTION purge_expired(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_expired(interval, integer) TO backboard_app;
