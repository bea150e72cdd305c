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
-- A free model may be asked whatever is left, which a fallback to another model is then held to.
CREATE OR REPLACE FUNCTION budget_left(_tenant uuid, _key uuid, _model text, _is_priced boolean, _is_free boolean)
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
    IF _is_free THEN
        RETURN _tightest.left_usd;
    END IF;
    _whose := CASE WHEN _tightest.key_id IS NULL THEN 'this tenant' ELSE 'this API key' END;
    IF _tightest.left_usd <= 0 THEN
        RAISE EXCEPTION 'The budget of % is used up: % US dollars %. Whoever runs the server can raise it with `backboard budgets set`.',
            _whose, _tightest.limit_usd,
            CASE _tightest.period WHEN 'total' THEN 'in total' ELSE 'a ' || _tightest.period || ', in UTC' END
            USING ERRCODE = 'BB402';
    END IF;
    IF NOT _is_priced THEN
        RAISE EXCEPTION 'The price of the model % is not known, so the budget of % cannot be kept with it. Choose a model that has a price.',
            _model, _whose USING ERRCODE = 'BB402';
    END IF;
    RETURN _tightest.left_usd;
END $$;
REVOKE ALL ON FUNCTION budget_left(uuid, uuid, text, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION budget_left(uuid, uuid, text, boolean, boolean) TO backboard_app;

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

-- Counts what a model was asked for, once: as a row of usage, and towards the budgets. What used nothing is not counted.
-- If it _adds_up it is one more step of a run, whose row it is added to: the caller knows that it has not been counted.
CREATE OR REPLACE FUNCTION count_usage(_tenant uuid, _counted jsonb, _adds_up boolean) RETURNS void
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
DECLARE
    _u record;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _u FROM jsonb_to_record(_counted || (_counted -> 'usage')) AS u (
        run_id uuid, key_id uuid, assistant_id uuid, thread_id uuid, model_provider text, model_name text,
        input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, cache_write_input_tokens bigint,
        reasoning_tokens bigint, price_source text, price_dated date, created_at timestamptz
    );
    INSERT INTO usage (
        tenant_id, id, key_id, assistant_id, thread_id, model_provider, model_name, input_tokens, output_tokens,
        cached_input_tokens, cache_write_input_tokens, reasoning_tokens, cost_usd, price_source, price_dated,
        created_at
    )
    SELECT _tenant, _u.run_id, _u.key_id, _u.assistant_id, _u.thread_id, _u.model_provider, _u.model_name,
           _u.input_tokens, _u.output_tokens, _u.cached_input_tokens, _u.cache_write_input_tokens,
           _u.reasoning_tokens, (_counted ->> 'cost_usd')::double precision, _u.price_source, _u.price_dated,
           _u.created_at
    WHERE _u.input_tokens + _u.output_tokens > 0
    ON CONFLICT (tenant_id, id) DO UPDATE
    SET input_tokens = usage.input_tokens + excluded.input_tokens,
        output_tokens = usage.output_tokens + excluded.output_tokens,
        cached_input_tokens = usage.cached_input_tokens + excluded.cached_input_tokens,
        cache_write_input_tokens = usage.cache_write_input_tokens + excluded.cache_write_input_tokens,
        reasoning_tokens = usage.reasoning_tokens + excluded.reasoning_tokens,
        cost_usd = coalesce(usage.cost_usd + excluded.cost_usd, excluded.cost_usd, usage.cost_usd)
    WHERE _adds_up;
    IF FOUND AND (_counted ->> 'cost_usd')::double precision > 0 THEN
        PERFORM spend(_tenant, _u.key_id, (_counted ->> 'cost_usd')::double precision);
    END IF;
END $$;
REVOKE ALL ON FUNCTION count_usage(uuid, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_usage(uuid, jsonb, boolean) TO backboard_app;
