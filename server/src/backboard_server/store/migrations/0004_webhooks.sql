-- What webhooks need: whom to tell of what, what is on its way, and how each attempt went.

CREATE TABLE webhooks (
    tenant_id       uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id              uuid NOT NULL,
    url             text NOT NULL,
    events          text[] NOT NULL,  -- none: everything
    description     text,
    sealed_secret   bytea NOT NULL,
    is_enabled      boolean NOT NULL,
    disabled_reason text,  -- why the server itself disabled it
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE webhook_deliveries (
    tenant_id       uuid NOT NULL,
    id              uuid NOT NULL,
    webhook_id      uuid NOT NULL,
    event           text NOT NULL,
    payload         text NOT NULL,  -- as it is signed and sent, each time the same bytes
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    tries           integer NOT NULL DEFAULT 0,  -- since it began or was replayed; also the fence of its jobs
    next_attempt_at timestamptz DEFAULT now(),
    created_at      timestamptz NOT NULL DEFAULT now(),
    ended_at        timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (webhook_id, created_at, id);

CREATE TABLE webhook_attempts (
    tenant_id    uuid NOT NULL,
    delivery_id  uuid NOT NULL,
    number       integer NOT NULL,
    status       integer,  -- HTTP; null where there was no answer
    error        text,
    answer       text,     -- how it began
    duration_ms  integer NOT NULL,
    attempted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, delivery_id, number),
    FOREIGN KEY (tenant_id, delivery_id) REFERENCES webhook_deliveries ON DELETE CASCADE
);

SELECT isolate('webhooks'), isolate('webhook_deliveries'), isolate('webhook_attempts');
GRANT SELECT, INSERT, UPDATE, DELETE ON webhooks, webhook_deliveries TO backboard_app;
GRANT SELECT, INSERT, DELETE ON webhook_attempts TO backboard_app;
