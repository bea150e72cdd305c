-- The queue: workers claim across tenants, with the owner's rights; what follows runs under the job's own tenant.
-- A job that was claimed too often without an end has probably killed its workers: it is put among the dead.
-- Only jobs of these kinds are claimed: what waits for others' servers is not to stand in the way of the rest.
CREATE OR REPLACE FUNCTION claim_jobs(_limit integer, _lease interval, _attempts_max integer, _kinds text[])
RETURNS TABLE (tenant_id uuid, id uuid, kind text, payload text, attempts integer)
LANGUAGE sql SECURITY DEFINER SET search_path = backboard, pg_temp
AS $$
    UPDATE jobs AS lost
    SET status = 'dead', lease_until = NULL, last_error = 'the worker was lost while it ran this job'
    WHERE lost.status = 'running' AND lost.lease_until < now() AND lost.attempts >= _attempts_max;

    UPDATE jobs AS j
    SET status = 'running', attempts = j.attempts + 1, lease_until = now() + _lease
    FROM (
        SELECT due.tenant_id, due.id
        FROM jobs AS due
        WHERE due.kind = ANY(_kinds) AND (
            (due.status = 'queued' AND due.run_after <= now())
            OR (due.status = 'running' AND due.lease_until < now())
        )
        ORDER BY due.run_after
        LIMIT _limit
        FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE j.tenant_id = due.tenant_id AND j.id = due.id
    RETURNING j.tenant_id, j.id, j.kind, j.payload::text, j.attempts
$$;
REVOKE ALL ON FUNCTION claim_jobs(integer, interval, integer, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_jobs(integer, interval, integer, text[]) TO backboard_app;

-- As workers of the former release claim: jobs of the kinds that those know.
CREATE OR REPLACE FUNCTION claim_jobs(_limit integer, _lease interval, _attempts_max integer)
RETURNS TABLE (tenant_id uuid, id uuid, kind text, payload text, attempts integer)
LANGUAGE sql SET search_path = backboard, pg_temp
AS $$
    SELECT * FROM claim_jobs(_limit, _lease, _attempts_max, ARRAY['summarise_thread', 'delete_blobs'])
$$;
REVOKE ALL ON FUNCTION claim_jobs(integer, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_jobs(integer, interval, integer) TO backboard_app;
