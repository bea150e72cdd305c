-- What a run needs to outlive a connection and a process: its options, its lease, its log, what its model saw.

-- Null while the message is queued: it takes its place in the thread when its run starts.
ALTER TABLE messages ALTER COLUMN sequence DROP NOT NULL;
ALTER TABLE messages ADD COLUMN tool_name text;

ALTER TABLE runs DROP CONSTRAINT runs_status_check;
ALTER TABLE runs ADD CONSTRAINT runs_status_check CHECK (
    status IN ('QUEUED', 'IN_PROGRESS', 'REQUIRES_ACTION', 'COMPLETED', 'FAILED', 'CANCELLED')
);
ALTER TABLE runs ALTER COLUMN started_at DROP NOT NULL;  -- null while it is queued
ALTER TABLE runs ALTER COLUMN started_at DROP DEFAULT;
ALTER TABLE runs
    ADD COLUMN created_at          timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN question_id         uuid,    -- the user's message
    ADD COLUMN question_sequence   bigint,  -- its place: what the run says lies after it
    ADD COLUMN key_id              uuid,
    ADD COLUMN options             jsonb NOT NULL DEFAULT '{}',  -- what was asked of this run alone
    ADD COLUMN epoch               integer NOT NULL DEFAULT 1,   -- the fence: whoever has an older one writes nothing
    ADD COLUMN takeovers           integer NOT NULL DEFAULT 0,   -- how many processes have lost it
    ADD COLUMN lease_until         timestamptz,  -- until then the run is its process's; null where none has it
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN logged_through      bigint NOT NULL DEFAULT 0,    -- the last sequence number in the log
    ADD COLUMN step_after          bigint NOT NULL DEFAULT 0,    -- what the log had when the present step began
    ADD COLUMN log_purged_at       timestamptz,
    ADD COLUMN cost_usd            double precision;
-- Found by the thread, before a new message starts a run, by the lease, where a process was lost, and by the end, when
-- the log has been kept for long enough.
CREATE INDEX runs_open ON runs (thread_id) WHERE status IN ('QUEUED', 'IN_PROGRESS', 'REQUIRES_ACTION');
CREATE INDEX runs_leased ON runs (lease_until) WHERE status IN ('QUEUED', 'IN_PROGRESS');
CREATE INDEX runs_ended ON runs (ended_at) WHERE log_purged_at IS NULL AND ended_at IS NOT NULL;

-- The log of a run: its events in order, many to a row; a row holds the events from first_sequence to last_sequence.
CREATE TABLE run_events (
    tenant_id      uuid NOT NULL,
    run_id         uuid NOT NULL,
    last_sequence  bigint NOT NULL,
    first_sequence bigint NOT NULL,
    events         text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, run_id, last_sequence),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs ON DELETE CASCADE
);

-- What a request with an Idempotency-Key made: a second one with the same key is the same request.
CREATE TABLE idempotency_keys (
    tenant_id   uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    made_id     uuid NOT NULL,  -- drawn once: whoever carries the request out again makes the same thing
    run_id      uuid,
    status      integer,        -- of the answer, once there is one
    answer      text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- What the model saw when it gave an answer. Long texts, which repeat from turn to turn, are kept once a thread.
CREATE TABLE receipts (
    tenant_id  uuid NOT NULL,
    message_id uuid NOT NULL,
    thread_id  uuid NOT NULL,
    receipt    text NOT NULL,
    PRIMARY KEY (tenant_id, message_id),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages ON DELETE CASCADE
);
CREATE TABLE receipt_texts (
    tenant_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    digest    text NOT NULL,  -- SHA-256 in hexadecimal
    content   text NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, digest),
    FOREIGN KEY (tenant_id, thread_id) REFERENCES threads ON DELETE CASCADE
);

SELECT isolate('run_events'), isolate('idempotency_keys'), isolate('receipts'), isolate('receipt_texts');
-- Lost runs are taken over, and what is old is purged, across tenants.
CREATE POLICY owner_sees_all ON runs TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_sees_all ON run_events TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_sees_all ON idempotency_keys TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON run_events, idempotency_keys TO backboard_app;
GRANT SELECT, INSERT ON receipts, receipt_texts TO backboard_app;
-- A run of several steps has one row of usage, to which each step is added.
GRANT UPDATE (
    input_tokens, output_tokens, cached_input_tokens, cache_write_input_tokens, reasoning_tokens, cost_usd
) ON usage TO backboard_app;

UPDATE runs SET created_at = started_at, log_purged_at = now();
-- Runs of the former release have no lease: those that its processes may still have are left to them for half an hour.
UPDATE runs SET lease_until = started_at + INTERVAL '31 minutes' WHERE status = 'IN_PROGRESS';

-- Their results or parameters changed; routines/turns.sql and budgets.sql make them anew.
DROP FUNCTION IF EXISTS finish_turn(uuid, jsonb);
DROP FUNCTION IF EXISTS count_usage(uuid, jsonb);
