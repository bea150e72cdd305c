-- Webhooks: what happened is announced in the transaction in which it happens, and told by jobs afterwards.

-- Leaves a delivery and its job for each webhook of the tenant that wants to know; called by whatever ends something.
CREATE OR REPLACE FUNCTION announce(_tenant uuid, _kind text, _about jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM webhooks AS w WHERE w.tenant_id = _tenant) THEN
        RETURN;
    END IF;
    WITH announced AS (
        INSERT INTO webhook_deliveries (tenant_id, id, webhook_id, event, payload)
        SELECT w.tenant_id, gen_random_uuid(), w.id, _kind, format(
            '{"type":%s,"timestamp":"%s","data":%s}', to_json(_kind),
            to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), _about
        )
        FROM webhooks AS w
        WHERE w.tenant_id = _tenant AND w.is_enabled AND (w.events = '{}' OR _kind = ANY (w.events))
        RETURNING id
    )
    INSERT INTO jobs (tenant_id, id, kind, subject, payload)
    SELECT _tenant, gen_random_uuid(), 'deliver_webhook', a.id::text,
           jsonb_build_object('delivery_id', a.id, 'tries', 0)
    FROM announced AS a;
END $$;
REVOKE ALL ON FUNCTION announce(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce(uuid, text, jsonb) TO backboard_app;
