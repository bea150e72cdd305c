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

-- Returns what the tenant and the key may still spend, or null where nothing limits them.
-- A budget cannot be kept with a model whose price is unknown, so such a model is refused where there is one.
CREATE OR REPLACE FUNCTION budget_left(_tenant uuid, _key uuid, _is_unpriced boolean, _model text)
RETURNS double precision
LANGUAGE plpgsql STABLE SET search_path = backboard, pg_temp
AS $$
DECLARE
    _tightest record;
BEGIN
    SELECT b.key_id, b.limit_usd, b.period,
           b.limit_usd - CASE WHEN b.period_start = period_start(b.period) THEN b.spent_usd ELSE 0 END AS left_usd
    INTO _tightest
    FROM budgets AS b
    WHERE b.tenant_id = _tenant AND (b.key_id IS NULL OR b.key_id = _key)
    ORDER BY left_usd
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF _tightest.left_usd <= 0 THEN
        RAISE EXCEPTION 'The budget of % (% US dollars, period: %) is used up. It ends with its period; whoever runs the server can raise it.',
            CASE WHEN _tightest.key_id IS NULL THEN 'this tenant' ELSE 'this API key' END,
            _tightest.limit_usd, _tightest.period USING ERRCODE = 'BB402';
    END IF;
    IF _is_unpriced THEN
        RAISE EXCEPTION 'The price of the model % is not known, so the budget of % cannot be kept with it. Choose a model that has a price.',
            _model, CASE WHEN _tightest.key_id IS NULL THEN 'this tenant' ELSE 'this API key' END
            USING ERRCODE = 'BB402';
    END IF;
    RETURN _tightest.left_usd;
END $$;
REVOKE ALL ON FUNCTION budget_left(uuid, uuid, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION budget_left(uuid, uuid, boolean, text) TO backboard_app;

-- Counts what a run cost towards the budgets that it falls under; a period that is over begins anew.
CREATE OR REPLACE FUNCTION spend(_tenant uuid, _key uuid, _cost double precision) RETURNS void
LANGUAGE sql SET search_path = backboard, pg_temp
AS $$
    UPDATE budgets AS b
    SET spent_usd = _cost + CASE WHEN b.period_start = period_start(b.period) THEN b.spent_usd ELSE 0 END,
        period_start = period_start(b.period), updated_at = now()
    WHERE b.tenant_id = _tenant AND (b.key_id IS NULL OR b.key_id = _key)
$$;
REVOKE ALL ON FUNCTION spend(uuid, uuid, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION spend(uuid, uuid, double precision) TO backboard_app;
