"""Row-level security as the catalogue has it: what stands behind the filter of every query."""

from __future__ import annotations

import re

import asyncpg
import pytest

from backboard_server.domain.ids import new_id
from backboard_server.domain.runs import LogRow
from backboard_server.store.address import APP_ROLE
from backboard_server.store.database import Connection, Database
from tenants import Tenant
from turn_requests import say

# Tables without a tenant, each with the reason why it needs none.
WITHOUT_TENANT = {
    "applied_scripts": "it lists the migrations that ran, and no request may read it",
    "listed_models": "it says what providers told the operator of their models, the same for every tenant",
}
# Tables that requests have no business in: authentication goes through find_key().
OWNERS_ONLY = {"tenants", "api_keys", "applied_scripts"}
# What requests may see of those all the same, column by column and row by row of their own tenant.
SEEN_COLUMNS = {("api_keys", "tenant_id"), ("api_keys", "id"), ("api_keys", "name")}
# Tables whose rows the owner reads before any tenant is known, and what it may do there.
OWNER_SEES = {
    "tenants": "ALL",
    "api_keys": "ALL",
    "jobs": "ALL",
    "budgets": "ALL",
    "provider_keys": "SELECT",
    "runs": "ALL",
    "run_events": "ALL",
    "idempotency_keys": "ALL",
}

INSERT_ASSISTANT = """
    INSERT INTO assistants (
        tenant_id, id, name, tok_k, embedding_provider, embedding_model_name, embedding_dims
    ) VALUES ($1, $2, 'theirs', 1, 'x', 'x', 1)
"""


async def names(owner: Connection, query: str, *arguments: object) -> set[str]:
    return {row[0] for row in await owner.fetch(query, *arguments)}


async def tables(owner: Connection) -> set[str]:
    return await names(owner, "SELECT tablename FROM pg_tables WHERE schemaname = 'backboard'")


async def test_every_table_carries_its_tenant(owner: Connection) -> None:
    carrying = await names(
        owner,
        """
        SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'backboard' AND column_name = 'tenant_id' AND data_type = 'uuid'
          AND is_nullable = 'NO'
        """,
    )

    assert await tables(owner) - carrying == WITHOUT_TENANT.keys()


async def test_every_table_with_a_tenant_forces_row_level_security(owner: Connection) -> None:
    forced = await names(
        owner,
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'backboard'::regnamespace AND relrowsecurity AND relforcerowsecurity
        """,
    )

    assert await tables(owner) - forced == WITHOUT_TENANT.keys()


async def test_every_table_with_a_tenant_shows_and_takes_only_its_rows(owner: Connection) -> None:
    policies = await owner.fetch(
        """
        SELECT tablename, qual, with_check, permissive, roles::text[] AS roles, cmd FROM pg_policies
        WHERE schemaname = 'backboard' AND policyname = 'tenant_isolation'
        """
    )

    assert {policy["tablename"] for policy in policies} == await tables(owner) - WITHOUT_TENANT.keys()
    for policy in policies:
        assert re.fullmatch(r"\(tenant_id = .*current_setting\('backboard\.tenant_id'.*", policy["qual"])
        assert policy["with_check"] == policy["qual"]
        assert (policy["roles"], policy["cmd"]) == (["public"], "ALL")


async def test_no_other_policy_opens_a_table_to_the_application(owner: Connection) -> None:
    """Policies add up: one more that holds for everybody would undo the first."""
    others = await owner.fetch(
        """
        SELECT tablename, cmd, roles::text[] AS roles FROM pg_policies
        WHERE schemaname = 'backboard' AND policyname <> 'tenant_isolation'
        """
    )
    user = await owner.fetchval("SELECT current_user")

    assert {policy["tablename"]: policy["cmd"] for policy in others} == OWNER_SEES
    assert all(policy["roles"] == [user] for policy in others)


async def test_the_application_is_an_ordinary_role_that_owns_nothing(owner: Connection) -> None:
    role = await owner.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", APP_ROLE)
    assert role is not None
    owned = await owner.fetchval("SELECT count(*) FROM pg_class WHERE relowner = $1", role["oid"])
    routines = await owner.fetchval("SELECT count(*) FROM pg_proc WHERE proowner = $1", role["oid"])
    memberships = await owner.fetchval("SELECT count(*) FROM pg_auth_members WHERE member = $1", role["oid"])

    for power in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"):
        assert not role[power]
    assert (owned, routines, memberships) == (0, 0, 0)


async def test_the_application_may_do_nothing_to_the_owners_tables(owner: Connection) -> None:
    allowed = await names(
        owner,
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'backboard'::regnamespace AND relkind = 'r' AND has_table_privilege(
            $1, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'
        )
        """,
        APP_ROLE,
    )

    assert allowed == await tables(owner) - OWNERS_ONLY


async def test_the_application_sees_few_columns_of_the_owners_tables_and_changes_none(
    owner: Connection,
) -> None:
    allowed = await owner.fetch(
        """
        SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges
        WHERE table_schema = 'backboard' AND grantee = $1
        """,
        APP_ROLE,
    )

    of_owners = [grant for grant in allowed if grant["table_name"] in OWNERS_ONLY]
    assert {(grant["table_name"], grant["column_name"]) for grant in of_owners} == SEEN_COLUMNS
    assert {grant["privilege_type"] for grant in of_owners} == {"SELECT"}


async def test_requests_count_what_was_spent_of_a_budget_and_set_none(owner: Connection) -> None:
    changeable = await names(
        owner,
        """
        SELECT column_name FROM information_schema.column_privileges
        WHERE table_schema = 'backboard' AND table_name = 'budgets' AND grantee = $1
          AND privilege_type <> 'SELECT'
        """,
        APP_ROLE,
    )

    assert changeable == {"spent_usd", "period_start", "updated_at"}


async def test_what_was_used_is_added_to_by_requests_and_never_ascribed_to_others(owner: Connection) -> None:
    changeable = await names(
        owner,
        """
        SELECT column_name FROM information_schema.column_privileges
        WHERE table_schema = 'backboard' AND table_name = 'usage' AND grantee = $1
          AND privilege_type = 'UPDATE'
        """,
        APP_ROLE,
    )

    assert changeable == {
        "input_tokens", "output_tokens", "cached_input_tokens", "cache_write_input_tokens",
        "reasoning_tokens", "cost_usd",
    }  # fmt: skip
    for privilege in ("UPDATE", "DELETE"):
        assert not await owner.fetchval("SELECT has_table_privilege($1, 'usage', $2)", APP_ROLE, privilege)


async def test_what_a_model_saw_cannot_be_changed_by_requests(owner: Connection) -> None:
    for table in ("receipts", "receipt_texts"):
        for privilege in ("UPDATE", "DELETE"):
            assert not await owner.fetchval(
                "SELECT has_table_privilege($1, $2, $3)", APP_ROLE, table, privilege
            )


async def test_the_application_may_neither_empty_tables_nor_make_things(owner: Connection) -> None:
    emptied = await names(
        owner,
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'backboard'::regnamespace AND relkind = 'r' AND has_table_privilege(
            $1, oid, 'TRUNCATE, REFERENCES, TRIGGER'
        )
        """,
        APP_ROLE,
    )

    assert emptied == set()
    assert not await owner.fetchval("SELECT has_schema_privilege($1, 'backboard', 'CREATE')", APP_ROLE)
    assert not await owner.fetchval("SELECT has_schema_privilege($1, 'public', 'CREATE')", APP_ROLE)


async def test_no_routine_may_be_run_by_everybody(owner: Connection) -> None:
    open_to_all = await names(
        owner,
        """
        SELECT p.proname FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = 'backboard'::regnamespace AND a.grantee = 0
        """,
    )

    assert open_to_all == set()


async def test_the_application_runs_its_routines_and_no_others(owner: Connection) -> None:
    runnable = await names(
        owner,
        """
        SELECT proname FROM pg_proc
        WHERE pronamespace = 'backboard'::regnamespace AND has_function_privilege($1, oid, 'EXECUTE')
        """,
        APP_ROLE,
    )

    assert runnable == {
        "find_key", "claim_key", "claim_jobs", "claim_lost_runs", "purge_expired", "past_turn",
        "open_turn", "read_turn", "make_way", "start_queued", "resume_turn", "continue_turn",
        "finish_turn", "finish_calls", "pending_calls", "check_outputs", "are_repeated", "insert_outputs",
        "sync_runs", "append_log", "shown_run", "cancel_run", "end_idle_run", "take_over_run", "add_usage",
        "scope_of", "index_unit", "insert_memory", "update_memory", "remember_message", "remember_answer",
        "recall_units", "has_been_overtaken", "bm25_rarity", "bm25_share",
        "announce", "announce_run", "period_start", "spent_in_period", "budget_left", "spend", "count_usage",
    }  # fmt: skip


async def test_routines_with_the_owners_rights_are_few_and_look_nowhere_else_for_names(
    owner: Connection,
) -> None:
    routines = await owner.fetch(
        "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'backboard'::regnamespace AND prosecdef"
    )

    assert {routine["proname"] for routine in routines} == {
        "find_key", "claim_jobs", "claim_lost_runs", "purge_expired",
    }  # fmt: skip
    for routine in routines:
        assert routine["proconfig"] == ["search_path=backboard, pg_temp"]


async def test_without_a_tenant_no_row_is_visible(database: Database, tenant: Tenant) -> None:
    key = {"idempotency_key": "a key", "fingerprint": "00"}
    await say(
        database, tenant, None, "canary", **key, log=LogRow(first_sequence=1, last_sequence=1, events="[]")
    )

    for table in (
        "assistants", "threads", "messages", "runs", "run_events", "idempotency_keys", "documents", "jobs",
        "usage", "provider_keys", "receipts", "receipt_texts",
    ):  # fmt: skip
        assert await database.call(f"SELECT * FROM {table}") == []


async def test_a_tenant_sees_its_own_rows_without_any_filter(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    await say(database, tenant, None, "mine")
    await say(database, other_tenant, None, "theirs")

    async with database.tenant(tenant.caller.tenant_id) as connection:
        rows = await connection.fetch("SELECT content FROM messages")

    assert {row["content"] for row in rows} == {"mine", "re: mine"}


async def test_a_tenant_is_forgotten_with_its_transaction(database: Database, tenant: Tenant) -> None:
    await say(database, tenant, None, "mine")
    count = "SELECT count(*) FROM messages"

    async with database.tenant(tenant.caller.tenant_id) as connection:
        seen_within = await connection.fetchval(count)
        used = await connection.fetchval("SELECT pg_backend_pid()")
    after = await database.call(f"SELECT pg_backend_pid() AS used, ({count}) AS seen")

    assert seen_within == 2
    assert (after[0]["used"], after[0]["seen"]) == (used, 0)


async def test_a_routine_forgets_its_tenant_too(database: Database, tenant: Tenant) -> None:
    await say(database, tenant, None, "mine")

    rows = await database.call("SELECT count(*) FROM messages")

    assert rows[0][0] == 0


async def test_rows_of_another_tenant_are_refused(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with database.tenant(tenant.caller.tenant_id) as connection:
            await connection.execute(INSERT_ASSISTANT, other_tenant.caller.tenant_id, new_id())


async def test_rows_of_another_tenant_cannot_be_changed_or_given_away(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    await say(database, tenant, None, "mine")
    theirs = await say(database, other_tenant, None, "theirs")

    async with database.tenant(tenant.caller.tenant_id) as connection:
        changed = await connection.execute("UPDATE threads SET summary = 'x' WHERE id = $1", theirs.thread_id)
        deleted = await connection.execute("DELETE FROM threads WHERE id = $1", theirs.thread_id)
    assert (changed, deleted) == ("UPDATE 0", "DELETE 0")

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with database.tenant(tenant.caller.tenant_id) as connection:
            await connection.execute("UPDATE runs SET tenant_id = $1", other_tenant.caller.tenant_id)


async def test_the_owner_is_held_to_the_tenant_too(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    await say(database, tenant, None, "mine")

    assert await owner.fetchval("SELECT count(*) FROM messages") == 0
