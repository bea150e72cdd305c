-- What memory needs: memories, what they were drawn from, what was done to them, and the index that recall reads.

CREATE TABLE memories (
    tenant_id     uuid NOT NULL,
    id            uuid NOT NULL,
    assistant_id  uuid NOT NULL,
    user_id       text NOT NULL DEFAULT '',  -- an end user of the application; '' is what all of them share
    content       text NOT NULL,
    metadata      jsonb,
    origin        text NOT NULL CHECK (origin IN ('manual', 'rule', 'model')),
    kind          text NOT NULL DEFAULT 'fact',
    subject       text,
    slot          text,  -- what there is one answer to at a time, and the answer
    value         text,
    confidence    real NOT NULL DEFAULT 1,
    valid_from    timestamptz NOT NULL DEFAULT now(),  -- in the world
    valid_to      timestamptz,
    suspect_since timestamptz,  -- what it rests on has changed since
    version       integer NOT NULL DEFAULT 1,  -- also the fence of an operation that decided by an earlier one
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, assistant_id) REFERENCES assistants ON DELETE CASCADE
);
CREATE INDEX memories_of_scope ON memories (assistant_id, user_id, id);
CREATE INDEX memories_of_slot ON memories (assistant_id, user_id, subject, slot) WHERE slot IS NOT NULL;

-- The message may be gone: what was quoted stays with the memory, until that is deleted too.
CREATE TABLE memory_quotes (
    tenant_id  uuid NOT NULL,
    memory_id  uuid NOT NULL,
    message_id uuid NOT NULL,
    thread_id  uuid NOT NULL,
    starts_at  integer NOT NULL,
    ends_at    integer NOT NULL,
    quote      text NOT NULL,
    said_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, memory_id, message_id, starts_at),
    FOREIGN KEY (tenant_id, memory_id) REFERENCES memories ON DELETE CASCADE
);
CREATE INDEX memory_quotes_of_message ON memory_quotes (message_id);

CREATE TABLE memory_operations (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    assistant_id uuid NOT NULL,
    user_id      text NOT NULL DEFAULT '',
    thread_id    uuid,
    message_id   uuid,
    status       text NOT NULL CHECK (status IN ('IN_PROGRESS', 'COMPLETED', 'ERROR')),
    changes      jsonb,  -- [{"event", "memory", "id"}]
    refused      jsonb,  -- how many statements were not kept, by reason
    error        text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, assistant_id) REFERENCES assistants ON DELETE CASCADE
);
CREATE INDEX memory_operations_of_assistant ON memory_operations (assistant_id, id);

-- What recall searches: the memories, and the messages themselves, which are remembered before any fact is drawn
-- from them. A unit is in one scope: of an assistant, or of one of its end users.
CREATE TABLE memory_units (
    tenant_id    uuid NOT NULL,
    scope_id     uuid NOT NULL,
    id           uuid NOT NULL,  -- of the memory, or of the message
    assistant_id uuid NOT NULL,
    thread_id    uuid,           -- of a message
    said_at      timestamptz NOT NULL,
    length       integer NOT NULL,  -- in terms
    terms        bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, scope_id, id),
    FOREIGN KEY (tenant_id, assistant_id) REFERENCES assistants ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, thread_id) REFERENCES threads ON DELETE CASCADE
);
CREATE INDEX memory_units_lengths ON memory_units (scope_id) INCLUDE (tenant_id, length);
CREATE INDEX memory_units_of_assistant ON memory_units (assistant_id);
CREATE INDEX memory_units_of_thread ON memory_units (thread_id) WHERE thread_id IS NOT NULL;

-- Their terms, a row for each of a unit: what BM25 asks of a scope is one range of the index for each term.
CREATE TABLE memory_postings (
    tenant_id uuid NOT NULL,
    scope_id  uuid NOT NULL,
    term      bigint NOT NULL,  -- its hash
    unit_id   uuid NOT NULL,
    frequency smallint NOT NULL,
    length    integer NOT NULL,
    PRIMARY KEY (tenant_id, scope_id, term, unit_id) INCLUDE (frequency, length)
);

SELECT isolate('memories'), isolate('memory_quotes'), isolate('memory_operations'), isolate('memory_units'),
       isolate('memory_postings');
GRANT SELECT, INSERT, UPDATE, DELETE ON memories, memory_quotes, memory_operations, memory_units TO backboard_app;
GRANT SELECT, INSERT, DELETE ON memory_postings TO backboard_app;
