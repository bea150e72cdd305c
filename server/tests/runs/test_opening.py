"""Opening a run: what was asked, and what the store knows, put together."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from backboard_server.adapters import Adapters, Limits
from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import RunOptions, SendMessage
from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import ModelChoice, ToolCall
from backboard_server.domain.threads import HistoryMessage, Turn
from backboard_server.domain.tools import McpServer
from backboard_server.runs.context import HISTORY_SHARE
from backboard_server.runs.log import RunLog
from backboard_server.runs.opening import QueuedRun, turn_limits
from fake_vendor import Answer, CalledTool, FakeVendor
from log_events import FILE
from tenants import Tenant
from turn_requests import stored_file

CHOICE = ModelChoice("openai", "gpt-x")
OTHER = ModelChoice("openai", "gpt-y")
LOCAL = ModelChoice("local", "quotes")
KEYLESS = ModelChoice("anthropic", "claude-x")
ASSISTANTS = McpServer(name="docs", url="https://docs.example")
OWN = McpServer(name="files", url="https://files.example")
CALL = ToolCall("call_1", "look", "{}")


def queued(tenant: Tenant, **fields: Any) -> QueuedRun:
    begun = QueuedRun(
        caller=tenant.caller,
        run_id=new_id(),
        answer_id=new_id(),
        question_id=new_id(),
        ids=RunIds("of the request", "of the request", "run"),
        choice=CHOICE,
        attachments=[FILE],
        log=RunLog(3, counts_from=0),
        epoch=4,
    )
    return replace(begun, **fields)


def read_turn(*history: HistoryMessage, **fields: Any) -> Turn:
    return Turn(thread_id=new_id(), assistant_id=new_id(), history=list(history), **fields)


def stored(role: Any, content: str, *calls: ToolCall, answers: str | None = None) -> HistoryMessage:
    return HistoryMessage(
        id=new_id(),
        role=role,
        content=content,
        status="COMPLETED",
        tokens=5,
        tool_calls=list(calls) or None,
        tool_call_id=answers,
    )


async def test_an_open_run_is_what_was_begun_where_the_store_found_it(
    adapters: Adapters, tenant: Tenant
) -> None:
    begun, turn = queued(tenant), read_turn(stored("user", "Hi"))

    run = await begun.opened(adapters, turn)

    assert (run.caller, run.run_id, run.answer_id) == (begun.caller, begun.run_id, begun.answer_id)
    assert run.ids == RunIds(str(turn.thread_id), str(turn.assistant_id), "run")
    assert (run.choice, run.attachments, run.epoch) == (CHOICE, [FILE], 4)
    assert run.question_id == begun.question_id
    assert (run.log, run.turn, run.clock) == (begun.log, turn, begun.clock)


async def test_a_new_message_comes_after_the_history_with_its_own_wishes_and_files(
    adapters: Adapters, tenant: Tenant
) -> None:
    turn = read_turn(stored("user", "Before"), stored("assistant", "Yes"), system_prompt="Be brief.")
    message = SendMessage(content="And now?", system_prompt="Be kind.")

    run = await queued(tenant).opened(adapters, turn, message=message, files=[stored_file()])

    shown = [(said.role, said.content) for said in run.context.prompt.messages]
    assert shown[:3] == [("system", "Be kind."), ("user", "Before"), ("assistant", "Yes")]
    assert shown[3][0] == "user"
    assert "And now?" in shown[3][1]
    assert "notes.txt" in shown[3][1]


async def test_a_run_that_goes_on_has_all_in_its_history_and_its_wishes_in_its_options(
    adapters: Adapters, tenant: Tenant
) -> None:
    begun = queued(tenant, options=RunOptions(system_prompt="Be kind."))
    turn = read_turn(stored("user", "Before"), system_prompt="Be brief.")

    run = await begun.opened(adapters, turn)

    shown = [(said.role, said.content) for said in run.context.prompt.messages]
    assert shown == [("system", "Be kind."), ("user", "Before")]


@pytest.mark.parametrize(
    ("begun", "asked", "assistants", "expected"),
    [
        ((LOCAL,), [OTHER], [OTHER], (LOCAL,)),
        ((), [OTHER], [OTHER], ()),
        (None, [LOCAL, OTHER], [OTHER], (LOCAL, OTHER)),
        (None, [], [OTHER], ()),
        (None, None, [OTHER, LOCAL], (OTHER, LOCAL)),
        (None, None, None, ()),
    ],
)
async def test_fallbacks_are_those_of_the_message_or_else_of_the_options_or_the_assistant(
    adapters: Adapters,
    tenant: Tenant,
    begun: tuple[ModelChoice, ...] | None,
    asked: list[ModelChoice] | None,
    assistants: list[ModelChoice] | None,
    expected: tuple[ModelChoice, ...],
) -> None:
    waiting = queued(tenant, fallbacks=begun, options=RunOptions(fallbacks=asked))

    run = await waiting.opened(adapters, read_turn(stored("user", "Hi"), fallbacks=assistants))

    assert run.fallbacks == expected


async def test_a_fallback_that_lost_its_key_is_left_out_with_a_warning(
    adapters: Adapters, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    turn = read_turn(stored("user", "Hi"), fallbacks=[KEYLESS, OTHER])

    with caplog.at_level(logging.WARNING):
        run = await queued(tenant).opened(adapters, turn)

    assert run.fallbacks == (OTHER,)
    assert "a fallback is left out: " in caplog.text


async def test_a_fallback_is_possible_with_a_key_of_the_tenants_own(
    adapters: Adapters, tenant: Tenant
) -> None:
    sealed = adapters.sealer.seal(tenant.caller.tenant_id, "anthropic", "sk-own")
    begun = queued(tenant, caller=replace(tenant.caller, provider_keys={"anthropic": sealed}))

    run = await begun.opened(adapters, read_turn(stored("user", "Hi"), fallbacks=[KEYLESS]))

    assert run.fallbacks == (KEYLESS,)


@pytest.mark.parametrize(
    ("asked", "assistants", "expected"),
    [
        (None, [ASSISTANTS], (ASSISTANTS,)),
        ([OWN], [ASSISTANTS], (OWN,)),
        ([], [ASSISTANTS], ()),
        (None, None, ()),
    ],
)
async def test_servers_of_tools_are_those_of_the_options_or_else_the_assistants(
    adapters: Adapters,
    tenant: Tenant,
    asked: list[McpServer] | None,
    assistants: list[McpServer] | None,
    expected: tuple[McpServer, ...],
) -> None:
    begun = queued(tenant, options=RunOptions(mcp_servers=asked))

    run = await begun.opened(adapters, read_turn(stored("user", "Hi"), mcp_servers=assistants))

    assert run.mcp_servers == expected


async def test_an_answer_whose_tools_were_at_work_is_taken_up_and_shown_once_they_have_returned(
    adapters: Adapters, tenant: Tenant
) -> None:
    stub = stored("assistant", "I look.", CALL)

    run = await queued(tenant).opened(adapters, read_turn(stored("user", "Hi"), stub))

    assert run.interrupted == stub
    assert [said.content for said in run.context.prompt.messages] == ["Hi"]


@pytest.mark.parametrize(
    "history",
    [
        [],
        [stored("user", "Hi")],
        [stored("user", "Hi"), stored("assistant", "Yes")],
        [stored("user", "Hi"), stored("assistant", "", CALL), stored("tool", "there", answers="call_1")],
    ],
    ids=["nothing", "a question", "an answer", "an output"],
)
async def test_whatever_else_the_history_ends_with_was_not_interrupted(
    adapters: Adapters, tenant: Tenant, history: list[HistoryMessage]
) -> None:
    run = await queued(tenant).opened(adapters, read_turn(*history))

    assert run.interrupted is None


async def test_calls_that_nobody_answered_before_a_new_message_are_not_taken_up(
    adapters: Adapters, tenant: Tenant
) -> None:
    turn = read_turn(stored("user", "Hi"), stored("assistant", "I look.", CALL))

    run = await queued(tenant).opened(adapters, turn, message=SendMessage(content="Never mind."))

    assert run.interrupted is None
    assert run.context.prompt.messages[-1].content == "Never mind."


@pytest.mark.parametrize(
    ("facts", "tokens"),
    [
        (Facts(context_limit=100_000), 24_000),
        (Facts(context_limit=8_000), int(8_000 * HISTORY_SHARE)),
        (None, 24_000),
    ],
)
async def test_of_a_thread_as_much_is_read_as_the_model_and_the_operator_allow(
    adapters: Adapters, facts: Facts | None, tokens: int
) -> None:
    limited = replace(adapters, limits=Limits(history_messages_max=12, history_tokens_max=24_000))

    limits = turn_limits(limited, facts)

    assert (limits.history_tokens_max, limits.history_messages_max) == (tokens, 12)


async def test_a_run_that_goes_on_with_outputs_of_tools_remembers_the_conversation(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(
        Answer(text="Hello Ada."),
        Answer(tool_calls=(CalledTool("look", "{}", "call_1"),)),
        Answer(text="It is."),
    )
    first = (await client.post("/threads/messages", json={"content": "I am Ada."})).json()
    thread = f"/threads/{first['thread_id']}"
    asked = {"content": "Is it there?", "tools": [{"type": "function", "function": {"name": "look"}}]}
    run_id = (await client.post(f"{thread}/messages", json=asked)).json()["run_id"]
    outputs = {"tool_outputs": [{"tool_call_id": "call_1", "output": "yes"}]}

    await client.post(f"{thread}/runs/{run_id}/submit-tool-outputs", json=outputs)

    said = [message["content"] for message in vendor.requests[-1].body["messages"]]
    assert said == ["I am Ada.", "Hello Ada.", "Is it there?", None, "yes"]


async def test_a_run_that_goes_on_shows_its_model_no_more_than_it_has_room_for(
    adapters: Adapters, tenant: Tenant
) -> None:
    small = replace(adapters, limits=Limits(history_tokens_max=15))
    earlier = [stored("user", "0"), stored("assistant", "1"), stored("user", "2"), stored("assistant", "3")]
    own = [stored("user", "4"), stored("assistant", "5", CALL), stored("tool", "6", answers="call_1")]
    begun = queued(tenant, question_id=own[0].id)

    some = await begun.opened(small, read_turn(*earlier, *own))
    none = await begun.opened(small, read_turn(*earlier, *own, token_ratio=10.0))

    assert [message.content for message in some.turn.history] == ["3", "4", "5", "6"]
    assert some.turn.earlier_messages == 3
    assert [message.content for message in none.turn.history] == ["4", "5", "6"]
