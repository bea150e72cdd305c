"""Every query filters by tenant in so many words: row-level security is never the only wall."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backboard_server import store
from backboard_server.store.migrate import scripts

FOLDER = Path(store.__path__[0])

# Files and routines that know no tenant, each with the reason; they run with the rights of the owner.
ACROSS_TENANTS = {
    "keys.py": "the operator makes and revokes the keys of all tenants",
    "budgets.py": "the operator sets and lists the budgets of all tenants",
    "find_key": "authentication asks whose a key is before there is a tenant",
    "claim_jobs": "workers claim the jobs of all tenants",
    "claim_lost_runs": "workers take over the runs of all tenants",
    "delete_postings": "a trigger, which deletes what belongs to the deleted rows: by the tenant of each",
    "delete_units": "a trigger, which deletes what belongs to the deleted rows: by the tenant of each",
    "purge_expired": "workers delete what is old, of all tenants",
}

_TABLE = re.compile(r"CREATE TABLE (\w+) \(\s+tenant_id\b")
_ROUTINE = re.compile(r"^CREATE OR REPLACE FUNCTION (?=(\w+))", re.MULTILINE)
_FILTER = re.compile(r"\btenant_id = (?:\$1|_tenant)(?!\w)")


def tenant_tables() -> set[str]:
    return {table for script in scripts() for table in _TABLE.findall(script.sql)}


def texts_of(source: str) -> Iterator[str]:
    """Return every text in Python code, `…` standing for what is put into it when it runs."""
    tree = ast.parse(source)
    within = {part for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for part in ast.walk(text)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in within:
            yield node.value


def unfiltered(sql: str) -> bool:
    """Return whether a statement names more tables of tenants than it filters or gives a tenant to."""
    tables = "|".join(tenant_tables())
    read = re.findall(rf"\b(?:FROM|JOIN|UPDATE|DELETE FROM)\s+(?:{tables})\b(?!\()", sql)
    written = re.findall(rf"\bINSERT INTO (?:{tables})\b", sql)
    given = re.findall(rf"\bINSERT INTO (?:{tables}) \(\s*tenant_id\b", sql)
    return len(_FILTER.findall(sql)) < len(read) or len(given) < len(written)


def statements() -> Iterator[tuple[str, str]]:
    """Return every SQL statement of the store, with where it stands."""
    for path in sorted(FOLDER.glob("*.py")):
        yield from ((path.name, text) for text in texts_of(path.read_text(encoding="utf-8")))
    for script in scripts():
        if script.is_repeatable:
            parts = [script.name, *_ROUTINE.split(script.sql)]
            for name, routine in zip(parts[::2], parts[1::2], strict=True):
                yield from ((name, statement) for statement in routine.split(";"))


def test_every_statement_filters_by_tenant() -> None:
    found = [(where, statement) for where, statement in statements() if unfiltered(statement)]

    assert [(where, statement) for where, statement in found if where not in ACROSS_TENANTS] == []
    assert {where for where, _ in found} == ACROSS_TENANTS.keys()


def test_the_tables_of_tenants_are_known() -> None:
    assert {
        "tenants",
        "api_keys",
        "assistants",
        "threads",
        "messages",
        "runs",
        "documents",
        "jobs",
        "provider_keys",
        "usage",
        "budgets",
    } <= tenant_tables()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM assistants WHERE id = $2",
        "SELECT name FROM assistants WHERE tenant_id = $2",
        "UPDATE threads SET metadata = $2 WHERE id = $1",
        "DELETE FROM threads WHERE id = $1",
        "SELECT 1 FROM threads AS t JOIN messages AS m ON m.thread_id = t.id WHERE t.tenant_id = $1",
        "SELECT 1 FROM threads WHERE tenant_id = $1 AND id IN (SELECT thread_id FROM messages)",
        "INSERT INTO threads (id) VALUES ($1)",
        "INSERT INTO threads (tenant_id, id) SELECT $1, a.id FROM assistants AS a",
        "SELECT name FROM assistants WHERE tenant_id = $11",
    ],
)
def test_a_statement_without_a_filter_is_found(sql: str) -> None:
    assert unfiltered(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM assistants WHERE tenant_id = $1 AND id = $2",
        "SELECT t.id FROM threads AS t WHERE t.tenant_id = _tenant",
        "INSERT INTO threads (tenant_id, id) VALUES ($1, $2)",
        "SELECT id FROM claim_jobs($1, $2, $3)",
        "Messages from threads are listed",
    ],
)
def test_a_statement_with_its_filters_passes(sql: str) -> None:
    assert not unfiltered(sql)
