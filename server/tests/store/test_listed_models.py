from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date

import asyncpg
import pytest

from backboard_server.domain.models import Model, Price
from backboard_server.store.database import Connection, Database
from backboard_server.store.listed_models import (
    find_listing_time,
    list_listed_models,
    replace_listed_models,
)

MODEL = Model(
    name="maker/model",
    provider="openrouter",
    model_type="llm",
    context_limit=200_000,
    inputs=("text", "image"),
    price=Price(input=1, output=2, source="provider", dated=date(2026, 11, 23)),
    details={"video_capabilities": {"seed": None}},
    last_updated=date(2026, 11, 23),
)
OTHER = Model(name="llama", provider="groq", model_type="llm")


@pytest.fixture(autouse=True)
async def no_lists(owner: Connection) -> AsyncGenerator[None]:
    """The table belongs to no tenant: what one test leaves there, the next would find."""
    await owner.execute("DELETE FROM listed_models")
    yield
    await owner.execute("DELETE FROM listed_models")


async def test_a_list_is_read_as_it_was_stored(owner: Connection, database: Database) -> None:
    await replace_listed_models(owner, "openrouter", [MODEL])

    assert await list_listed_models(database) == [MODEL]
    assert await list_listed_models(owner) == [MODEL]


async def test_a_list_takes_the_place_of_the_one_before_and_of_no_other(
    owner: Connection, database: Database
) -> None:
    await replace_listed_models(owner, "groq", [OTHER])
    await replace_listed_models(
        owner, "openrouter", [MODEL, Model(name="gone", provider="openrouter", model_type="llm")]
    )

    await replace_listed_models(owner, "openrouter", [MODEL])

    assert await list_listed_models(database) == [OTHER, MODEL]


async def test_every_change_of_a_list_can_be_told(owner: Connection, database: Database) -> None:
    seen = [await find_listing_time(database)]
    for models in ([OTHER], [OTHER, Model(name="more", provider="groq", model_type="llm")], [OTHER], []):
        await replace_listed_models(owner, "groq", models)
        seen.append(await find_listing_time(database))

    assert seen[0] is None
    assert seen[-1] is None
    assert len(set(seen[1:-1])) == 3


async def test_a_row_of_another_release_is_left_out(owner: Connection, database: Database) -> None:
    await replace_listed_models(owner, "groq", [OTHER])
    await owner.execute("INSERT INTO listed_models (provider, name, details) VALUES ('x', 'y', '{}')")

    assert await list_listed_models(database) == [OTHER]


async def test_more_models_than_are_decoded_at_once_all_come(owner: Connection, database: Database) -> None:
    names = [f"model-{number:04}" for number in range(1_200)]
    await replace_listed_models(
        owner, "groq", [Model(name=name, provider="groq", model_type="llm") for name in names]
    )

    assert [model.name for model in await list_listed_models(database)] == names


async def test_requests_may_read_the_lists_and_not_write_them(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.call("DELETE FROM listed_models")
