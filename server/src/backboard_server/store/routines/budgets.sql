-- Budgets: how much may still be spent, and the counting of what was.

-- The first day of the period that a moment lies in, in UTC; a budget without periods has one for ever.
CREATE OR REPLACE FUNCTION period_start(_period text) RETURNS date
LANGUAGE sql STABLE SET search_path = backboard, pg_temp
AS $$
    SELECT CASE _period
        WHEN 'total' THEN DATE '1970-01-01'
        ELSE date_trunc(_period, now() AT TIME ZONE 'UTC')::date
    END
$$;
REVOKE ALL ON FUNCTION period_start(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION period_start(text) TO backboard_app;

-- Returns what was spent of a budget in its present period: a row tells of the period in which it was last counted.
-- A period that this transaction is too old to know of is the present one all the same.
CREATE OR REPLACE FUNCTION spent_in_period(_budget budgets) RETURNS double precision
LANGUAGE sql STABLE SET search_path = backboard, pg_temp
AS $$
    SELECT CASE WHEN _budget.period_start >= period_start(_budget.period) THEN _budget.spent_usd ELSE 0 END
$$;
REVOKE ALL ON FUNCTION spent_in_period(budgets) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION spent_in_period(budgets) TO backboard_app;

-- Returns what the tenant and the key may still spend, or null where nothing limits them.
-- A budget cannot be kept with a model whose price is unknown, so such a model is refused where there is one.
CREATE OR REPLACE FUNCTION budget_left(_tenant uuid, _key uuid, _is_unpriced boolean, _model text)
RETURNS double precision
LANGUAGE plpgsql STABLE SET search_path = backboard, pg_temp
AS $$
DECLARE
    _tightest record;
    _whose text;
BEGIN
    SELECT b.key_id, b.limit_usd, b.period, b.limit_usd - spent_in_period(b) AS left_usd
    INTO _tightest
    FROM budgets AS b
    WHERE b.tenant_id = _tenant AND (b.key_id IS NULL OR b.key_id = _key)
    ORDER BY left_usd
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    _whose := CASE WHEN _tightest.key_id IS NULL THEN 'this tenant' ELSE 'this API key' END;
    IF _tightest.left_usd <= 0 THEN
        RAISE EXCEPTION 'The budget of % is used up: % US dollars %. Whoever runs the server can raise it with `backboard budgets set`.',
            _whose, _tightest.limit_usd,
            CASE _tightest.period WHEN 'total' THEN 'in total' ELSE 'a ' || _tightest.period || ', in UTC' END
            USING ERRCODE = 'BB402';
    END IF;
    IF _is_unpriced THEN
        RAISE EXCEPTION 'The price of the model % is not known, so the budget of % cannot be kept with it. Choose a model that has a price.',
            _model, _whose USING ERRCODE = 'BB402';
    END IF;
    RETURN _tightest.left_usd;
END $$;
REVOKE ALL ON FUNCTION budget_left(uuid, uuid, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION budget_left(uuid, uuid, boolean, text) TO backboard_app;

-- Counts what a run cost towards the budgets that it falls under; a period that is over begins anew.
CREATE OR REPLACE FUNCTION spend(_tenant uuid, _key uuid, _cost double precision) RETURNS void
LANGUAGE sql SET search_path = backboard, pg_temp
AS $$
    -- Always in the same order: two runs that end at once would else each wait for what the other has locked.
    SELECT b.id FROM budgets AS b
    WHERE b.tenant_id = _tenant AND (b.key_id IS NULL OR b.key_id = _key)
    ORDER BY b.id
    FOR UPDATE;

    UPDATE budgets AS b
    SET spent_usd = spent_in_period(b) + _cost, updated_at = now(),
        period_start = greatest(b.period_start, period_start(b.period))
    WHERE b.tenant_id = _tenant AND (b.key_id IS NULL OR b.key_id = _key)
$$;
REVOKE ALL ON FUNCTION spend(uuid, uuid, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION spend(uuid, uuid, double precision) TO backboard_app;
