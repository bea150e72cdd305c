-- The first tables: who calls, what assistants and threads hold, what runs did, what is left to do.
-- Every row carries its tenant. Row-level security stands behind the filter of every query: a role that sets no
-- tenant sees no row. The owner of the tables is held to it too (FORCE); where it must see all tenants, a policy says so.
--
-- Only primary keys begin with the tenant. Another index that did would look as good to the planner while a table is
-- nearly empty, and a cached plan that reads all rows of a tenant would stay until the first ANALYZE.

CREATE FUNCTION isolate(_table regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', _table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', _table);
    EXECUTE format(
        'CREATE POLICY tenant_isolation ON %s '
        'USING (tenant_id = nullif(current_setting(''backboard.tenant_id'', true), '''')::uuid) '
        'WITH CHECK (tenant_id = nullif(current_setting(''backboard.tenant_id'', true), '''')::uuid)',
        _table
    );
END $$;

CREATE TABLE tenants (
    tenant_id   uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    tenant_id   uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id          uuid NOT NULL,
    name        text NOT NULL,
    shown       text NOT NULL,
    digest      bytea NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE assistants (
    tenant_id                     uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id                            uuid NOT NULL,
    name                          text NOT NULL,
    description                   text,
    system_prompt                 text,
    tools                         jsonb,
    tok_k                         integer NOT NULL,
    embedding_provider            text NOT NULL,
    embedding_model_name          text NOT NULL,
    embedding_dims                integer NOT NULL,
    custom_fact_extraction_prompt text,
    custom_update_memory_prompt   text,
    is_default                    boolean NOT NULL DEFAULT false,
    created_at                    timestamptz NOT NULL DEFAULT now(),
    updated_at                    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX assistants_one_default ON assistants (tenant_id) WHERE is_default;

CREATE TABLE threads (
    tenant_id          uuid NOT NULL,
    id                 uuid NOT NULL,
    assistant_id       uuid NOT NULL,
    metadata           jsonb,
    first_user_message text,
    message_count      bigint NOT NULL DEFAULT 0,  -- also the sequence number of the newest message
    summary            text,
    summary_tokens     integer NOT NULL DEFAULT 0,
    summarised_through bigint NOT NULL DEFAULT 0,  -- the last message that the summary stands for
    token_ratio        real NOT NULL DEFAULT 1,    -- provider tokens per token of our own estimate
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, assistant_id) REFERENCES assistants ON DELETE CASCADE
);
CREATE INDEX threads_of_assistant ON threads (assistant_id);

CREATE TABLE messages (
    tenant_id      uuid NOT NULL,
    id             uuid NOT NULL,
    thread_id      uuid NOT NULL,
    sequence       bigint NOT NULL,
    run_id         uuid,
    role           text NOT NULL CHECK (role IN ('user', 'assistant', 'tool', 'system')),
    content        text NOT NULL,
    reasoning      text,
    tool_calls     jsonb,
    tool_call_id   text,
    status         text NOT NULL CHECK (status IN ('REQUIRES_ACTION', 'COMPLETED', 'FAILED', 'CANCELLED')),
    metadata       jsonb,
    tokens         integer NOT NULL,  -- our estimate, which the history window is cut by
    model_provider text,
    model_name     text,
    input_tokens   integer,
    output_tokens  integer,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (thread_id, sequence),
    FOREIGN KEY (tenant_id, thread_id) REFERENCES threads ON DELETE CASCADE
);

CREATE TABLE runs (
    tenant_id      uuid NOT NULL,
    id             uuid NOT NULL,
    thread_id      uuid NOT NULL,
    message_id     uuid NOT NULL,  -- the answer, which is stored when the run ends
    status         text NOT NULL CHECK (status IN ('IN_PROGRESS', 'REQUIRES_ACTION', 'COMPLETED', 'FAILED', 'CANCELLED')),
    model_provider text NOT NULL,
    model_name     text NOT NULL,
    usage          jsonb,
    error_code     text,
    error          text,
    started_at     timestamptz NOT NULL DEFAULT now(),
    ended_at       timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, thread_id) REFERENCES threads ON DELETE CASCADE
);
CREATE INDEX runs_of_thread ON runs (thread_id);

CREATE TABLE documents (
    tenant_id       uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id              uuid NOT NULL,
    assistant_id    uuid,
    thread_id       uuid,
    message_id      uuid,
    filename        text NOT NULL,
    file_size_bytes bigint NOT NULL,
    blob_key        text NOT NULL,
    status          text NOT NULL CHECK (status IN ('pending', 'processing', 'indexed', 'error')),
    status_message  text,
    summary         text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, assistant_id) REFERENCES assistants ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, thread_id) REFERENCES threads ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages ON DELETE CASCADE
);
CREATE INDEX documents_of_assistant ON documents (assistant_id) WHERE assistant_id IS NOT NULL;
CREATE INDEX documents_of_thread ON documents (thread_id) WHERE thread_id IS NOT NULL;
CREATE INDEX documents_of_message ON documents (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE jobs (
    tenant_id   uuid NOT NULL,  -- no reference: the blobs of a tenant that is gone are still to be deleted
    id          uuid NOT NULL,
    kind        text NOT NULL,
    subject     text NOT NULL,  -- what the job is about; one job of a kind waits per subject
    payload     jsonb NOT NULL,
    status      text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'dead')),
    attempts    integer NOT NULL DEFAULT 0,  -- also the fence: a worker whose attempt is over changes nothing
    run_after   timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    last_error  text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX jobs_one_waiting ON jobs (tenant_id, kind, subject) WHERE status = 'queued';
CREATE INDEX jobs_due ON jobs (run_after) WHERE status = 'queued';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE status = 'running';

SELECT isolate('tenants'), isolate('api_keys'), isolate('assistants'), isolate('threads'), isolate('messages'),
       isolate('runs'), isolate('documents'), isolate('jobs');

-- The command line makes tenants and keys, authentication finds a key, and the worker claims jobs, all before any tenant is known.
CREATE POLICY owner_sees_all ON tenants TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_sees_all ON api_keys TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_sees_all ON jobs TO CURRENT_USER USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON assistants, threads, messages, runs, documents, jobs TO backboard_app;
