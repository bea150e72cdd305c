-- Authentication: the one question that is asked before a tenant is known, so it runs with the owner's rights.
-- The tenant's own keys of providers come with the answer, sealed, so that no message needs a further round trip.
CREATE OR REPLACE FUNCTION find_key(_digest bytea)
RETURNS TABLE (tenant_id uuid, id uuid, digest bytea, providers text[], sealed_keys bytea[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = backboard, pg_temp
AS $$
    SELECT k.tenant_id, k.id, k.digest, p.providers, p.sealed_keys
    FROM api_keys AS k, LATERAL (
        SELECT array_agg(o.provider ORDER BY o.provider) AS providers,
               array_agg(o.sealed ORDER BY o.provider) AS sealed_keys
        FROM provider_keys AS o
        WHERE o.tenant_id = k.tenant_id
    ) AS p
    WHERE k.digest = _digest AND k.revoked_at IS NULL
$$;
REVOKE ALL ON FUNCTION find_key(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_key(bytea) TO backboard_app;
