-- Authentication: the one question that is asked before a tenant is known, so it runs with the owner's rights.
CREATE OR REPLACE FUNCTION find_key(_digest bytea)
RETURNS TABLE (tenant_id uuid, id uuid, digest bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = backboard, pg_temp
AS $$
    SELECT k.tenant_id, k.id, k.digest
    FROM api_keys AS k
    WHERE k.digest = _digest AND k.revoked_at IS NULL
$$;
REVOKE ALL ON FUNCTION find_key(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_key(bytea) TO backboard_app;
