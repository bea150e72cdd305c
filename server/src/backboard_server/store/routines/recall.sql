-- Recall: what one scope holds that bears on a question, ranked by BM25 over memories and messages, in one round trip.

-- Returns how rare a term is: how many of the units have it, of how many there are (BM25's idf).
CREATE OR REPLACE FUNCTION bm25_rarity(_having bigint, _units bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$ SELECT ln(1 + (_units - _having + 0.5) / (_having + 0.5)) $$;
REVOKE ALL ON FUNCTION bm25_rarity(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bm25_rarity(bigint, bigint) TO backboard_app;

-- Returns what a term is worth that occurs so often in a text of this length, as a part of the usual one (BM25's tf).
CREATE OR REPLACE FUNCTION bm25_share(
    _frequency bigint, _length double precision, _k1 double precision, _b double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$ SELECT _frequency * (_k1 + 1) / (_frequency + _k1 * (1 - _b + _b * _length)) $$;
REVOKE ALL ON FUNCTION bm25_share(bigint, double precision, double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bm25_share(bigint, double precision, double precision, double precision) TO backboard_app;

-- Returns whether a message says little else than what holds no longer.
CREATE OR REPLACE FUNCTION has_been_overtaken(_tenant uuid, _message uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = backboard, pg_temp
AS $$
    SELECT coalesce(
        bool_and(m.valid_to <= now() AND m.valid_to > m.valid_from)
        AND max(q.ends_at) - min(q.starts_at) >= 0.6 * (
            SELECT length(s.content) FROM messages AS s WHERE s.tenant_id = _tenant AND s.id = _message
        ), false
    )
    FROM memory_quotes AS q JOIN memories AS m ON m.tenant_id = _tenant AND m.id = q.memory_id
    WHERE q.tenant_id = _tenant AND q.message_id = _message
$$;
REVOKE ALL ON FUNCTION has_been_overtaken(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION has_been_overtaken(uuid, uuid) TO backboard_app;

-- Returns the best units, best first: {"units": […], "searched": how many units the scope has}.
-- A message stands in its conversation. A term counts for it by the most that it is worth in the message itself or, for
-- less, in one close by (near), so that an answer is found by its question; and the whole conversation counts too
-- (thread). Each is a share of the best there is. A memory stands for itself. What was said in the time that the question
-- names is preferred (window); what has ended is left out, unless the past is asked for.
CREATE OR REPLACE FUNCTION recall_units(_tenant uuid, _request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = backboard, pg_temp
AS $$
DECLARE
    _r record;
    _scope uuid;
    _count bigint;
    _length double precision;
    _threads bigint;
    _thread_length double precision;
    _units jsonb;
BEGIN
    PERFORM set_config('backboard.tenant_id', _tenant::text, true);
    SELECT * INTO _r FROM jsonb_to_record(_request) AS r (
        assistant_id uuid, user_id text, terms bigint[], weights double precision[], take integer, spread_max integer,
        characters_max integer, only_memories boolean, with_past boolean, metadata jsonb, hidden uuid[],
        window_from timestamptz, window_to timestamptz, thread_share double precision, window_share double precision
    );
    PERFORM FROM assistants AS a WHERE a.tenant_id = _tenant AND a.id = _r.assistant_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Assistant not found' USING ERRCODE = 'BB404';
    END IF;
    _scope := scope_of(_r.assistant_id, coalesce(_r.user_id, ''));
    SELECT count(*), greatest(avg(u.length), 1), count(DISTINCT u.thread_id),
           greatest(sum(u.length) FILTER (WHERE u.thread_id IS NOT NULL), 1)
    INTO _count, _length, _threads, _thread_length
    FROM memory_units AS u WHERE u.tenant_id = _tenant AND u.scope_id = _scope;
    _thread_length := _thread_length / greatest(_threads, 1);

    WITH steps (step, share) AS (
        VALUES (0, 1.0), (1, 0.7), (-1, 0.5), (2, 0.4), (-2, 0.4)
    ), hits AS MATERIALIZED (
        SELECT p.unit_id, p.term, p.frequency, a.weight,
               bm25_share(p.frequency, p.length / _length, 1.2, 0.4) AS share
        FROM unnest(_r.terms, _r.weights) AS a (term, weight)
        JOIN memory_postings AS p ON p.tenant_id = _tenant AND p.scope_id = _scope AND p.term = a.term
        WHERE _r.metadata IS NULL OR EXISTS (  -- before anything is cut off: the few with it may be far behind
            SELECT FROM memories AS m
            WHERE m.tenant_id = _tenant AND m.id = p.unit_id AND m.metadata @> _r.metadata
        )
    ), rarity AS (
        SELECT h.term, bm25_rarity(count(*), _count) AS idf FROM hits AS h GROUP BY h.term
    ), weighed AS MATERIALIZED (
        SELECT h.unit_id, h.term, h.frequency, h.weight, h.share * h.weight * r.idf AS share
        FROM hits AS h JOIN rarity AS r USING (term)
    ), matched AS (
        SELECT w.unit_id, sum(w.share) AS score, array_agg(w.term ORDER BY w.share DESC) AS terms
        FROM weighed AS w
        GROUP BY w.unit_id
        ORDER BY score DESC
        LIMIT _r.spread_max  -- what is far behind the best moves nothing
    ), placed AS MATERIALIZED (
        SELECT m.unit_id, m.score, m.terms, u.thread_id, s.sequence
        FROM matched AS m
        JOIN memory_units AS u ON u.tenant_id = _tenant AND u.scope_id = _scope AND u.id = m.unit_id
        LEFT JOIN messages AS s ON s.tenant_id = _tenant AND s.id = u.id AND u.thread_id IS NOT NULL
        WHERE u.thread_id IS NULL OR NOT coalesce(_r.only_memories, false)
    ), spread AS (
        SELECT p.thread_id, p.sequence + s.step AS sequence, w.term, max(w.share * s.share) AS share
        FROM placed AS p JOIN weighed AS w USING (unit_id) CROSS JOIN steps AS s
        WHERE p.sequence IS NOT NULL
        GROUP BY 1, 2, 3
    ), near AS (
        SELECT s.thread_id, s.sequence, sum(s.share) AS score
        FROM spread AS s
        GROUP BY s.thread_id, s.sequence
        ORDER BY score DESC
        LIMIT _r.take + 100  -- those that have ended, or are hidden, are left out later
    ), said AS (  -- a place between two messages may be nobody's, or another scope's
        SELECT u.id AS unit_id, n.score, coalesce(p.terms, '{}') AS terms, n.thread_id, u.said_at
        FROM near AS n
        JOIN messages AS s ON s.tenant_id = _tenant AND s.thread_id = n.thread_id AND s.sequence = n.sequence
        JOIN memory_units AS u ON u.tenant_id = _tenant AND u.scope_id = _scope AND u.id = s.id
        LEFT JOIN placed AS p ON p.unit_id = u.id
        UNION ALL
        SELECT p.unit_id, p.score, p.terms, NULL, NULL FROM placed AS p WHERE p.thread_id IS NULL
        UNION ALL  -- a message that waits for its turn has no place yet
        SELECT p.unit_id, p.score, p.terms, p.thread_id, NULL
        FROM placed AS p WHERE p.thread_id IS NOT NULL AND p.sequence IS NULL
    ), thread_lengths AS (
        SELECT u.thread_id, sum(u.length) AS length FROM memory_units AS u
        WHERE u.tenant_id = _tenant AND u.scope_id = _scope AND u.thread_id IN (SELECT p.thread_id FROM placed AS p)
        GROUP BY u.thread_id
    ), thread_hits AS (
        SELECT p.thread_id, w.term, max(w.weight) AS weight, sum(w.frequency) AS frequency,
               count(*) OVER (PARTITION BY w.term) AS threads
        FROM placed AS p JOIN weighed AS w USING (unit_id)
        WHERE p.thread_id IS NOT NULL
        GROUP BY p.thread_id, w.term
    ), conversations AS (
        SELECT h.thread_id, sum(h.weight * bm25_rarity(h.threads, _threads)
                                * bm25_share(h.frequency, l.length / _thread_length, 1.5, 0.75)) AS score
        FROM thread_hits AS h JOIN thread_lengths AS l USING (thread_id)
        GROUP BY h.thread_id
    ), parts AS (
        SELECT s.*, s.score / nullif(max(s.score) OVER (), 0) AS near,
               c.score / nullif(max(c.score) OVER (), 0) AS thread
        FROM said AS s LEFT JOIN conversations AS c USING (thread_id)
    ), ranked AS (
        SELECT p.unit_id, p.terms, p.thread_id, p.near, p.thread,
               (p.near + _r.thread_share * coalesce(p.thread, p.near)
                + CASE WHEN coalesce(p.said_at, m.valid_from) >= _r.window_from
                            AND coalesce(p.said_at, m.valid_from) < _r.window_to THEN _r.window_share ELSE 0 END
               ) / (1 + _r.thread_share + CASE WHEN _r.window_from IS NULL THEN 0 ELSE _r.window_share END) AS score,
               m.content, m.metadata, m.kind, m.valid_from, m.valid_to, m.suspect_since, m.created_at, m.updated_at
        FROM parts AS p
        LEFT JOIN memories AS m ON m.tenant_id = _tenant AND m.id = p.unit_id AND p.thread_id IS NULL
    ), best AS (
        SELECT k.*
        FROM ranked AS k
        WHERE (_r.hidden IS NULL OR k.unit_id <> ALL (_r.hidden))
          AND CASE WHEN k.thread_id IS NOT NULL
                   THEN coalesce(_r.with_past, false) OR NOT has_been_overtaken(_tenant, k.unit_id)
                   ELSE k.valid_to IS NULL OR k.valid_to > now()
                        OR coalesce(_r.with_past, false) AND k.valid_to > k.valid_from END
        ORDER BY k.score DESC, k.unit_id DESC
        LIMIT _r.take
    )
    SELECT jsonb_agg(jsonb_build_object(
        'id', b.unit_id, 'thread_id', b.thread_id, 'score', b.score, 'near', coalesce(b.near, 0),
        'thread', coalesce(b.thread, 0), 'terms', b.terms,
        'content', left(coalesce(b.content, s.content), _r.characters_max), 'role', s.role, 'metadata', b.metadata,
        'kind', b.kind, 'said_at', coalesce(b.valid_from, u.said_at), 'valid_to', b.valid_to,
        'is_suspect', b.suspect_since IS NOT NULL OR EXISTS (  -- a message that also says what holds no longer
            SELECT FROM memory_quotes AS q JOIN memories AS m ON m.tenant_id = _tenant AND m.id = q.memory_id
            WHERE q.tenant_id = _tenant AND q.message_id = b.unit_id AND m.valid_to <= now() AND m.valid_to > m.valid_from
        ), 'created_at', coalesce(b.created_at, s.created_at),
        'updated_at', coalesce(b.updated_at, s.created_at), 'sources', (
            SELECT jsonb_agg(DISTINCT q.message_id) FROM memory_quotes AS q
            WHERE q.tenant_id = _tenant AND q.memory_id = b.unit_id
        )
    ) ORDER BY b.score DESC, b.unit_id DESC)
    INTO _units
    FROM best AS b
    JOIN memory_units AS u ON u.tenant_id = _tenant AND u.scope_id = _scope AND u.id = b.unit_id
    LEFT JOIN messages AS s ON s.tenant_id = _tenant AND s.id = b.unit_id AND b.thread_id IS NOT NULL;
    RETURN jsonb_build_object('units', coalesce(_units, '[]'), 'searched', _count);
END $$;
REVOKE ALL ON FUNCTION recall_units(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recall_units(uuid, jsonb) TO backboard_app;
