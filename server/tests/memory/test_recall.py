"""Recalling: what of a scope bears on a message, that it fits, and that nothing else is ever found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.errors import NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Quote, Recollection, Scope
from backboard_server.domain.tokens import estimate_tokens
from backboard_server.memory.index import indexed
from backboard_server.memory.recall import (
    QUERY_CHARACTERS_MAX,
    SCORE_MIN,
    SHOWN_CHARACTERS_MAX,
    SHOWN_TOKENS_MAX,
    Search,
    recall,
    search,
)
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.memories import InsertMemory, insert_memory
from backboard_server.store.memory_scopes import held_scope
from backboard_server.store.turns import MessageToRemember
from tenants import Tenant
from turn_requests import opening, turn_of

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Memory(Struct, frozen=True):
    """The memory of one scope."""

    adapters: Adapters
    tenant: Tenant
    scope: Scope

    async def keep(self, content: str, **changes: Any) -> UUID:
        """Store a memory."""
        fields: dict[str, Any] = {
            "id": new_id(),
            "assistant_id": self.scope.assistant_id,
            "user_id": self.scope.user_id,
            "content": content,
            "origin": "manual",
            "terms": indexed(content),
        }
        memory = InsertMemory(**(fields | changes))
        await insert_memory(self.adapters.database, self.scope.tenant_id, memory)
        return memory.id

    async def converse(self, *contents: str, said_at: datetime = NOW) -> list[UUID]:
        """Say these things in a new thread, one after the other, and return the messages' ids."""
        thread_id: UUID | None = None
        ids: list[UUID] = []
        for content in contents:
            remember = MessageToRemember(user_id=self.scope.user_id, said_at=said_at, terms=indexed(content))
            request = opening(
                thread_id=thread_id,
                assistant_id=None if thread_id else self.scope.assistant_id,
                content=content,
                run_id=None,
                answer_id=None,
                remember=remember,
            )
            thread_id = (await turn_of(self.adapters.database, self.tenant, request)).thread_id
            ids.append(request.message_id)
        return ids

    async def recall(self, text: str, **fields: Any) -> Recollection:
        return await recall(self.adapters, self.scope, text, asked_at=NOW, **fields)

    async def found(self, text: str, **fields: Any) -> list[str]:
        """Return the texts that are recalled, best first."""
        return [item.content for item in (await self.recall(text, **fields)).items]


async def memory_of(adapters: Adapters, tenant: Tenant) -> Memory:
    tenant_id = tenant.caller.tenant_id
    made = await insert_assistant(adapters.database, tenant_id, new_id(), AssistantSetup(name="Ada"))
    return Memory(adapters, tenant, Scope(tenant_id, made.id))


@pytest.fixture
async def memory(adapters: Adapters, tenant: Tenant) -> Memory:
    """The memory of a new assistant."""
    return await memory_of(adapters, tenant)


async def test_what_bears_on_a_message_is_found_with_the_words_it_shares(memory: Memory) -> None:
    rabbit = await memory.keep("My rabbit is called Otto.", metadata={"about": "pets"})
    await memory.keep("The boiler was serviced in March.")

    found = await memory.recall("What is the name of my rabbit?")

    assert [item.id for item in found.items] == [rabbit]
    assert found.items[0].matched_words == ("rabbit",)
    assert found.items[0].metadata == {"about": "pets"}
    assert (found.items[0].kind, found.items[0].thread_id, found.searched) == ("fact", None, 2)
    assert 0 < found.items[0].score <= 1


@pytest.mark.parametrize("text", ["", "   ", "?!", "the of and"])
async def test_a_message_without_words_to_look_for_recalls_nothing(memory: Memory, text: str) -> None:
    await memory.keep("My rabbit is called Otto.")

    assert await memory.recall(text) == Recollection(items=(), searched=1)


async def test_an_assistant_that_is_not_there_recalls_nothing(memory: Memory) -> None:
    nobody = replace(memory, scope=Scope(memory.scope.tenant_id, new_id()))

    with pytest.raises(NotFound, match="Assistant not found"):
        await nobody.recall("rabbit")


async def test_what_is_recalled_fits_and_the_best_of_it_is_taken(memory: Memory) -> None:
    long = " ".join(f"filler{number}" for number in range(150))
    for number in range(20):
        await memory.keep(f"Rabbit {number} {long}")
    await memory.keep("rabbit")

    found = await memory.found("rabbit")

    used = sum(map(estimate_tokens, found))
    assert found[0] == "rabbit"
    assert SHOWN_TOKENS_MAX - estimate_tokens(f"Rabbit 10 {long}") < used <= SHOWN_TOKENS_MAX


async def test_of_a_long_text_no_more_than_its_beginning_is_shown(memory: Memory) -> None:
    await memory.keep("rabbit " + "x" * 3_000)

    assert [len(content) for content in await memory.found("rabbit")] == [SHOWN_CHARACTERS_MAX]


async def test_the_same_text_is_not_shown_twice(memory: Memory) -> None:
    for content in (
        "My rabbit is called Otto.",
        " my RABBIT is called Otto.\n",
        "My rabbit is called Möhre.",
    ):
        await memory.keep(content)

    found = await memory.found("rabbit")

    assert sorted(content.strip().casefold() for content in found) == [
        "my rabbit is called möhre.",
        "my rabbit is called otto.",
    ]


async def test_what_is_far_behind_the_best_is_not_shown(memory: Memory) -> None:
    best = "violin sonata in g minor"
    await memory.keep(best)
    for number in range(30):
        await memory.keep(f"A minor thing, number {number}, which is {'rather ' * 20}unimportant")
    asked = Search(text=best, asked_at=NOW, limit=50)

    everything = await search(memory.adapters, memory.scope, asked)

    assert everything.items[-1].score < SCORE_MIN * everything.items[0].score
    assert await memory.found(best) == [best]


async def test_a_search_returns_no_more_than_its_limit(memory: Memory) -> None:
    for number in range(5):
        await memory.keep(f"Rabbit number {number}")

    asked = Search(text="rabbit", asked_at=NOW, limit=3)

    assert len((await search(memory.adapters, memory.scope, asked)).items) == 3


async def test_a_message_is_left_out_where_what_was_drawn_from_it_is_shown(memory: Memory) -> None:
    said, other = await memory.converse("Otto is the name of my rabbit, by the way", "That rabbit is grey")
    fact = await memory.keep("The user's rabbit is called Otto.")
    async with held_scope(memory.adapters.database, memory.scope) as scope:
        await scope.add_quotes(fact, [Quote(said, 0, 4, "Otto")], thread_id=new_id(), said_at=NOW)

    found = await memory.recall("rabbit Otto")

    assert {item.id for item in found.items} == {fact, other}
    assert next(item for item in found.items if item.id == fact).sources == (said,)


async def test_a_message_stays_where_what_was_drawn_from_it_is_too_far_behind_to_be_shown(
    memory: Memory,
) -> None:
    (said,) = await memory.converse("Violin sonata in G minor, kept in the attic")
    fact = await memory.keep(f"A minor thing, {'rather ' * 30}unimportant")
    for number in range(30):
        await memory.keep(f"A minor thing, number {number}, which is {'rather ' * 20}unimportant")
    async with held_scope(memory.adapters.database, memory.scope) as scope:
        await scope.add_quotes(fact, [Quote(said, 0, 6, "Violin")], thread_id=new_id(), said_at=NOW)

    found = await memory.recall("violin sonata in g minor")

    assert [item.id for item in found.items] == [said]


async def test_what_the_model_sees_anyway_is_not_returned_but_still_leads_to_what_is_near(
    memory: Memory,
) -> None:
    asked, _, answer = await memory.converse("Where is the violin?", "Hm.", "In the attic, of course.")

    found = await memory.recall("violin", hidden=[asked])

    assert asked not in [item.id for item in found.items]
    assert answer in [item.id for item in found.items]


async def test_messages_around_one_that_matches_are_found_with_it(memory: Memory) -> None:
    ids = await memory.converse("Well.", "Where is the violin?", "In the attic.", "I see.", "Right.", "Bye.")
    await memory.converse("Somewhere else entirely.")

    found = await memory.recall("violin")

    assert [item.id for item in found.items][:2] == ids[1:3]
    assert {item.id for item in found.items} == {*ids[:4]}
    assert (found.items[0].role, found.items[0].matched_words) == ("user", ("violin",))
    assert found.items[1].matched_words == ()


async def test_what_has_ended_is_left_out_unless_the_past_is_asked_for(memory: Memory) -> None:
    ended = {"valid_from": NOW - 400 * DAY, "valid_to": NOW - 100 * DAY}
    await memory.keep("I live in Berlin", **ended)
    await memory.keep("I live in Lisbon", valid_from=NOW - 100 * DAY)
    await memory.keep("I live in Rome no more", valid_from=NOW - DAY, valid_to=NOW - DAY)  # a retraction

    now = await memory.found("Where do I live?")
    past = await memory.found("Where did I live before?")

    assert now == ["I live in Lisbon"]
    assert sorted(past) == ["I live in Berlin", "I live in Lisbon"]


async def test_what_was_said_in_the_time_that_is_named_comes_first(memory: Memory) -> None:
    in_may, in_june = datetime(2023, 5, 12, tzinfo=UTC), datetime(2023, 6, 12, tzinfo=UTC)
    await memory.converse("We saw a fine concert", said_at=in_may)
    await memory.converse("We saw a good concert", said_at=in_june)
    await memory.keep("Concert of the choir", valid_from=in_may)
    await memory.keep("Concert of the band", valid_from=in_june)

    may = await memory.found("Which concert was in May 2023?")
    june = await memory.found("Which concert was in June 2023?")

    assert {*may[:2]} == {"We saw a fine concert", "Concert of the choir"}
    assert {*june[:2]} == {"We saw a good concert", "Concert of the band"}


async def test_what_is_looked_for_may_stand_at_either_end_of_a_long_message(memory: Memory) -> None:
    await memory.keep("My rabbit is called Otto.")
    await memory.keep("The violin is in the attic.")
    await memory.keep("The boiler was serviced.")
    filler = "hm " * QUERY_CHARACTERS_MAX

    found = await memory.found(f"rabbit {filler} boiler {filler} violin")

    assert sorted(found) == ["My rabbit is called Otto.", "The violin is in the attic."]


async def test_nothing_of_another_assistant_user_or_tenant_is_ever_found(
    memory: Memory, adapters: Adapters, tenant: Tenant, other_tenant: Tenant
) -> None:
    assistant = await memory_of(adapters, tenant)
    stranger = await memory_of(adapters, other_tenant)
    anna = replace(memory, scope=of_user(memory.scope, "anna"))
    ann = replace(memory, scope=of_user(memory.scope, "ann"))
    everyone = {"own": memory, "assistant": assistant, "stranger": stranger, "anna": anna, "ann": ann}
    for name, each in everyone.items():
        await each.keep(f"The rabbit of {name}")
        await each.converse(f"A rabbit, said {name}")

    for name, each in everyone.items():
        assert {*await each.found("rabbit")} == {f"The rabbit of {name}", f"A rabbit, said {name}"}


async def test_another_tenant_s_assistant_is_not_there(memory: Memory, other_tenant: Tenant) -> None:
    await memory.keep("My rabbit is called Otto.")
    scope = Scope(other_tenant.caller.tenant_id, memory.scope.assistant_id)

    with pytest.raises(NotFound):
        await replace(memory, scope=scope).recall("rabbit")


def of_user(scope: Scope, user_id: str) -> Scope:
    return Scope(scope.tenant_id, scope.assistant_id, user_id)
