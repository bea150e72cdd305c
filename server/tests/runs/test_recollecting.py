"""What a run recalls before its model is asked, where it stands, and how the run tells of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Scope
from backboard_server.domain.messages import RunOptions, SendMessage
from backboard_server.domain.threads import HistoryMessage
from backboard_server.memory.manual import add_memory
from backboard_server.runs import recollecting
from backboard_server.runs.finish import OpenRun
from backboard_server.runs.recollecting import operation_of, recollected, retrieved
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.database import Connection
from events_of import events_of, types_of
from fake_vendor import FakeVendor
from receipt_runs import picture, receipted, run_of, said, turn_of
from replica import Replica
from tenants import Tenant
from waiting import wait_until_blocked

RABBIT = "My rabbit is called Otto."
QUESTION = "What is my rabbit called?"


class Keeper(Struct, frozen=True):
    """An assistant that remembers something."""

    tenant: Tenant
    scope: Scope
    memory_id: UUID

    def run(self, *history: HistoryMessage, files: int = 0, **options: Any) -> OpenRun:
        """A run of this assistant that answers `QUESTION`, after a history."""
        turn = replace(turn_of(*history, system_prompt="Be kind."), assistant_id=self.scope.assistant_id)
        message = SendMessage(content=QUESTION)
        run = run_of(turn, message, tuple(picture(f"{number}.png") for number in range(files)))
        return replace(run, caller=self.tenant.caller, options=RunOptions(**options))


@pytest.fixture
async def keeper(adapters: Adapters, tenant: Tenant) -> Keeper:
    """An assistant that knows about the rabbit."""
    tenant_id = tenant.caller.tenant_id
    made = await insert_assistant(adapters.database, tenant_id, new_id(), AssistantSetup(name="Ada"))
    scope = Scope(tenant_id, made.id)
    memory = await add_memory(adapters, scope, new_id(), RABBIT)
    return Keeper(tenant, scope, memory.id)


async def test_with_memory_off_a_run_stays_as_it_is(adapters: Adapters, keeper: Keeper) -> None:
    run = keeper.run(memory="off")

    assert await recollected(adapters, run) is run


@pytest.mark.parametrize("mode", ["auto", "readonly"])
async def test_what_is_recalled_stands_before_the_messages_of_the_thread(
    adapters: Adapters, keeper: Keeper, mode: str
) -> None:
    run = keeper.run(said("user", "One"), said("assistant", "Two"), memory=mode)

    after = (await recollected(adapters, run)).context

    shown = after.prompt.messages
    assert [message.content for message in shown if RABBIT not in message.content] == [
        "Be kind.", "One", "Two", QUESTION,
    ]  # fmt: skip
    assert (shown[1].role, RABBIT in shown[1].content) == ("system", True)
    assert after.heads == ("system", "memories")
    assert after.message_ids == (None, *run.context.message_ids)
    assert after.tokens > run.context.tokens


async def test_files_and_the_question_move_with_their_messages(adapters: Adapters, keeper: Keeper) -> None:
    run = keeper.run(said("user", "One"), files=2, memory="readonly")

    after = (await recollected(adapters, run)).context

    assert after.question_at is not None
    assert after.prompt.messages[after.question_at].content == QUESTION
    assert [file.index for file in run.context.files] == [2, 2]
    assert [file.index for file in after.files] == [3, 3]


async def test_what_the_model_is_shown_of_the_thread_anyway_is_not_recalled(
    adapters: Adapters, keeper: Keeper
) -> None:
    shown = replace(said("user", RABBIT), id=keeper.memory_id)
    run = keeper.run(shown, memory="readonly")

    after = await recollected(adapters, run)

    assert after.recollection is not None
    assert after.recollection.items == ()
    assert after.context == run.context


async def test_where_nothing_bears_on_the_message_nothing_is_shown_and_nothing_is_missing(
    adapters: Adapters, keeper: Keeper
) -> None:
    run = keeper.run(memory="readonly", user_id="nobody yet")

    after = await recollected(adapters, run)

    assert after.recollection is not None
    assert after.context == run.context
    assert receipted(after).receipt.dropped == ()


@pytest.mark.parametrize("cites", [True, False])
async def test_the_model_is_asked_to_cite_where_that_is_wished_for(
    adapters: Adapters, keeper: Keeper, cites: bool
) -> None:
    run = keeper.run(memory="readonly", cites_memories=cites)

    after = await recollected(adapters, run)

    assert ("square brackets" in after.context.prompt.messages[1].content) is cites


async def test_memory_that_does_not_answer_in_time_is_done_without_and_the_receipt_says_so(
    adapters: Adapters, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollecting, "RECALL_SECONDS_MAX", 0.0)
    run = keeper.run(memory="readonly")

    after = await recollected(adapters, run)

    assert after == run
    dropped = receipted(after).receipt.dropped
    assert [(type(each).__struct_config__.tag, each.reason) for each in dropped] == [
        ("memories", "unavailable")
    ]


async def test_an_assistant_that_is_gone_is_done_without_too(adapters: Adapters, keeper: Keeper) -> None:
    run = keeper.run(memory="readonly")
    gone = replace(run, turn=replace(run.turn, assistant_id=new_id()))

    assert await recollected(adapters, gone) == gone


async def test_clients_are_told_what_was_recalled_and_why(adapters: Adapters, keeper: Keeper) -> None:
    after = await recollected(adapters, keeper.run(memory="readonly"))

    assert after.recollection is not None
    (told,) = retrieved(after.recollection)
    assert (told.id, told.memory, told.content) == (str(keeper.memory_id), RABBIT, RABBIT)
    assert (told.kind, told.score) == ("fact", after.recollection.items[0].score)
    assert {*told.matched_words} >= {"rabbit"}


async def test_only_what_is_to_be_remembered_has_an_operation(keeper: Keeper) -> None:
    auto = keeper.run(memory="auto")

    assert operation_of(auto) == str(auto.question_id)
    assert operation_of(replace(auto, question_id=None)) is None
    assert operation_of(keeper.run(memory="readonly")) is None
    assert operation_of(keeper.run(memory="off")) is None


async def ask(client: httpx.AsyncClient, keeper: Keeper, **fields: Any) -> httpx.Response:
    """Ask the question over HTTP."""
    asked = {"assistant_id": str(keeper.scope.assistant_id), "content": QUESTION} | fields
    response = await client.post("/threads/messages", json=asked)
    assert response.status_code == 200, response.text
    return response


async def receipt_of(client: httpx.AsyncClient, answer: dict[str, Any]) -> dict[str, Any]:
    response = await client.get(f"/threads/{answer['thread_id']}/messages/{answer['message_id']}/receipt")
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_stream_tells_what_was_recalled_between_the_run_s_start_and_the_message_s(
    client: httpx.AsyncClient, keeper: Keeper
) -> None:
    streamed = await ask(client, keeper, stream=True, memory="Readonly")

    events = events_of(streamed.text)
    told = types_of(events)
    begins = told.index("run_started")
    assert told[begins : begins + 3] == ["run_started", "memory_retrieved", "message_start"]
    (memories,) = [event["memories"] for event in events if event["type"] == "memory_retrieved"]
    assert [(memory["id"], memory["memory"]) for memory in memories] == [(str(keeper.memory_id), RABBIT)]


@pytest.mark.parametrize(
    "fields", [{}, {"memory": "off"}, {"memory": "Readonly", "content": "Submarine telescopes"}]
)
async def test_a_stream_tells_of_no_memory_where_none_was_recalled(
    client: httpx.AsyncClient, keeper: Keeper, fields: dict[str, str]
) -> None:
    streamed = await ask(client, keeper, stream=True, **fields)

    assert "memory_retrieved" not in types_of(events_of(streamed.text))


async def test_an_answer_has_what_was_recalled_and_its_receipt_what_the_vendor_was_shown(
    client: httpx.AsyncClient, keeper: Keeper, vendor: FakeVendor
) -> None:
    answer = (await ask(client, keeper, memory="Readonly")).json()

    receipt = await receipt_of(client, answer)

    assert [each["memory"] for each in answer["retrieved_memories"]] == [RABBIT]
    (block,) = [block for block in receipt["blocks"] if block["kind"] == "memories"]
    shown = vendor.requests[-1].body["messages"]
    assert RABBIT in block["text"]
    assert [message["content"] for message in shown] == [block["text"], QUESTION]
    seen = [(memory["id"], memory["score"]) for memory in block["memories"]]
    assert seen == [(str(keeper.memory_id), answer["retrieved_memories"][0]["score"])]


async def test_an_answer_is_given_without_memory_that_is_late(
    client: httpx.AsyncClient, keeper: Keeper, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollecting, "RECALL_SECONDS_MAX", 0.0)

    answer = (await ask(client, keeper, memory="Readonly")).json()

    assert answer["content"] == "Hello from the vendor."
    assert not answer["retrieved_memories"]
    assert [message["content"] for message in vendor.requests[-1].body["messages"]] == [QUESTION]


async def test_a_receipt_over_http_says_that_memory_was_late(
    client: httpx.AsyncClient, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollecting, "RECALL_SECONDS_MAX", 0.0)
    answer = (await ask(client, keeper, memory="Readonly")).json()

    receipt = await receipt_of(client, answer)

    assert [(each["kind"], each["reason"]) for each in receipt["dropped"]] == [("memories", "unavailable")]


async def test_a_run_that_is_cancelled_while_it_recalls_is_stored_as_cancelled(
    process: Replica, tenant: Tenant, owner: Connection, vendor: FakeVendor
) -> None:
    async with owner.transaction():
        await owner.execute("LOCK TABLE memory_postings IN ACCESS EXCLUSIVE MODE")
        sent = await process.send(tenant, "Are you there?", memory="readonly")
        await wait_until_blocked(owner)
        sent.live.stop("cancelled")
        await sent.live.last_event()

    assert (await process.stored(tenant, sent)).status == "CANCELLED"
    assert not vendor.requests
