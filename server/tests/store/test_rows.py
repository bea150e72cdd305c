"""Rows to nouns, and nouns to JSON columns."""

from __future__ import annotations

from typing import Any

import pytest

from backboard_server.store.database import Database
from backboard_server.store.rows import decoded, encoded


async def test_named_json_columns_are_decoded_and_others_left_alone(database: Database) -> None:
    rows = await database.call(
        """SELECT '{"a": [1, null]}'::jsonb AS one, NULL::jsonb AS two, '{"b": 2}' AS three, 4 AS four"""
    )

    values = decoded(rows[0], "one", "two")

    assert values == {"one": {"a": [1, None]}, "two": None, "three": '{"b": 2}', "four": 4}


@pytest.mark.parametrize("value", [{}, [], "", 0, False, {"a": [1, "é", None, True, 1.5]}])
async def test_what_is_encoded_comes_back_from_postgres(database: Database, value: Any) -> None:
    rows = await database.call("SELECT $1::jsonb AS value", encoded(value))

    assert decoded(rows[0], "value") == {"value": value}


def test_none_is_null_and_not_the_json_word() -> None:
    assert encoded(None) is None
