-- What calling every provider needs: tenants' own keys, what is known of models, what runs cost, and how much they may.

-- A provider's own words about its answers, to be given back to it alone: signatures of thoughts, encrypted reasoning.
ALTER TABLE messages ADD COLUMN sidecar jsonb;
ALTER TABLE messages ADD COLUMN cost_usd double precision;
-- What the bytes are, by the bytes; null where they are nothing that a model can look at or listen to.
ALTER TABLE documents ADD COLUMN media_type text;
-- Which models to try, in order, when the one that was asked for fails: [{"provider", "model"}, …].
ALTER TABLE assistants ADD COLUMN fallbacks jsonb;
-- The models that a run tried, in order, and why each but the last was given up.
ALTER TABLE runs ADD COLUMN attempts jsonb;

-- Keys of providers that a tenant brings: sealed by the server's own secret, written and never read back by anybody.
CREATE TABLE provider_keys (
    tenant_id  uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    provider   text NOT NULL,
    sealed     bytea NOT NULL,
    shown      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, provider)
);

-- What each run used and cost. No reference to threads: what was spent stays spent when they are deleted.
-- The id is the run's, a UUIDv7, so the primary key is also the order of time.
CREATE TABLE usage (
    tenant_id                uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id                       uuid NOT NULL,
    key_id                   uuid NOT NULL,
    assistant_id             uuid NOT NULL,
    thread_id                uuid NOT NULL,
    model_provider           text NOT NULL,
    model_name               text NOT NULL,
    input_tokens             bigint NOT NULL,
    output_tokens            bigint NOT NULL,
    cached_input_tokens      bigint NOT NULL,
    cache_write_input_tokens bigint NOT NULL,
    reasoning_tokens         bigint NOT NULL,
    cost_usd                 double precision,  -- null where the model has no known price, never zero for that
    price_source             text,
    price_dated              date,
    created_at               timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- How much a tenant, or one of its keys, may spend in a period. What was spent is counted as runs end.
CREATE TABLE budgets (
    tenant_id    uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id           uuid NOT NULL,
    key_id       uuid,  -- null: the budget of the whole tenant
    limit_usd    double precision NOT NULL CHECK (limit_usd >= 0),
    period       text NOT NULL CHECK (period IN ('day', 'month', 'total')),
    spent_usd    double precision NOT NULL DEFAULT 0,
    period_start date NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, key_id) REFERENCES api_keys ON DELETE CASCADE
);
CREATE UNIQUE INDEX budgets_one_each ON budgets (coalesce(key_id, tenant_id));

-- Models that providers listed when the operator last asked them; the same for every tenant, so without one.
CREATE TABLE listed_models (
    provider  text NOT NULL,
    name      text NOT NULL,
    details   jsonb NOT NULL,
    listed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, name)
);

SELECT isolate('provider_keys'), isolate('usage'), isolate('budgets');
-- The command line sets and lists the budgets of all tenants.
CREATE POLICY owner_sees_all ON budgets TO CURRENT_USER USING (true) WITH CHECK (true);
-- Authentication gives the keys of providers along with the caller, before any tenant is known.
CREATE POLICY owner_reads_all ON provider_keys FOR SELECT TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON provider_keys TO backboard_app;
GRANT SELECT, INSERT ON usage TO backboard_app;
GRANT SELECT, UPDATE (spent_usd, period_start, updated_at) ON budgets TO backboard_app;
GRANT SELECT ON listed_models TO backboard_app;
-- Usage is shown by key, and a key by its name; what else is known of keys stays with the owner.
GRANT SELECT (tenant_id, id, name) ON api_keys TO backboard_app;

-- Their results changed, which CREATE OR REPLACE refuses; routines/keys.sql and turns.sql make them anew.
DROP FUNCTION IF EXISTS find_key(bytea);
DROP FUNCTION IF EXISTS finish_turn(uuid, jsonb);
