"""The steps of a run: tools of the server's between the calls of the model, and crashes in between."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from backboard_server.domain import events
from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.events import Event
from backboard_server.domain.prompts import ToolChoice
from backboard_server.domain.tools import McpServer
from backboard_server.runs import steps
from backboard_server.settings import Settings
from backboard_server.store.database import Connection
from fake_mcp import FakeMcp, FakeTool, Reply
from fake_vendor import Answer, FakeVendor
from fake_vendor.script import CalledTool
from replica import Replica, Sent
from tenants import Tenant
from waiting import wait_until

WRITE = FakeTool("write")
READ = FakeTool("read", annotations={"readOnlyHint": True})
OWN = [{"type": "function", "function": {"name": "ask_user", "parameters": {"type": "object"}}}]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of an operator who lets tenants name servers on this machine."""
    return settings.model_copy(update={"egress_allow": "127.0.0.1"})


@pytest.fixture
async def mcp() -> AsyncGenerator[FakeMcp]:
    async with FakeMcp(tools=(WRITE, READ)) as mcp:
        yield mcp


def calls(*named: tuple[str, str], text: str = "") -> Answer:
    """Return an answer that calls tools: their names and the ids of the calls."""
    return Answer(text=text, tool_calls=tuple(CalledTool(name, "{}", id=call_id) for name, call_id in named))


async def send(process: Replica, tenant: Tenant, mcp: FakeMcp, **fields: Any) -> Sent:
    return await process.send(tenant, mcp_servers=[McpServer(name="files", url=mcp.url)], **fields)


async def seen_by_reader(sent: Sent) -> list[Event]:
    assert sent.live.reader is not None
    seen: list[Event] = []
    while (batch := await sent.live.reader.next_events(5)) is not None:
        seen += [numbered.event for numbered in batch]
    return seen


async def test_the_model_is_given_what_a_tool_returned_and_answers(
    process: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp
) -> None:
    vendor.script(calls(("read", "call_1"), text="Let me look. "), Answer(text="It is a tree."))
    mcp.script(Reply(text="A tree."))

    sent = await send(process, tenant, mcp)
    seen = await seen_by_reader(sent)

    last = seen[-1]
    assert isinstance(last, events.RunEnded)
    assert (last.content, last.final_content) == ("Let me look. It is a tree.", "It is a tree.")
    (result,) = [event for event in seen if isinstance(event, events.ToolResult)]
    assert (result.tool_call_id, result.name, result.status, result.output) == (
        "call_1", "read", "COMPLETED", "A tree.",
    )  # fmt: skip
    asked = vendor.requests[-1].body["messages"]
    assert [message["role"] for message in asked] == ["user", "assistant", "tool"]
    assert asked[-1]["content"] == "A tree."
    thread = await process.thread(tenant, sent)
    assert [(message.role, message.content) for message in thread.messages] == [
        ("user", "Hi"), ("assistant", "Let me look. "), ("tool", "A tree."), ("assistant", "It is a tree."),
    ]  # fmt: skip
    run = await process.stored(tenant, sent)
    assert run.usage is not None
    assert run.attempts is not None
    assert len(run.attempts) == 2


async def test_calls_that_are_made_together_are_executed_together(
    process: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp
) -> None:
    vendor.script(calls(("read", "call_1"), ("write", "call_2"), ("read", "call_3")), Answer(text="Done."))
    mcp.script(Reply(text="ok", after_seconds=0.2))

    await (await send(process, tenant, mcp)).live.last_event()

    assert len(mcp.calls) == 3
    asked = vendor.requests[-1].body["messages"]
    assert [message.get("tool_call_id") for message in asked[2:]] == ["call_1", "call_2", "call_3"]


async def test_a_tool_that_fails_is_a_result_which_the_model_reads(
    process: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp
) -> None:
    vendor.script(calls(("read", "call_1")), Answer(text="Sorry."))
    mcp.script(Reply(text="No such file.", is_error=True))

    sent = await send(process, tenant, mcp)
    seen = await seen_by_reader(sent)

    assert [event.status for event in seen if isinstance(event, events.ToolResult)] == ["FAILED"]
    tool = (await process.thread(tenant, sent)).messages[2]
    assert (tool.status, tool.content) == ("FAILED", "No such file.")


async def test_the_application_is_asked_for_its_own_tools_after_the_servers_have_run(
    process: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp
) -> None:
    vendor.script(calls(("read", "call_1"), ("ask_user", "call_2")))
    mcp.script(Reply(text="A tree."))

    sent = await send(process, tenant, mcp, tools=OWN)
    last = await sent.live.last_event()

    assert isinstance(last, events.ToolSubmitRequired)
    assert [call.id for call in last.tool_calls] == ["call_2"]
    run = await process.stored(tenant, sent)
    assert run.status == "REQUIRES_ACTION"
    assert [call.id for call in run.tool_calls or ()] == ["call_2"]
    messages = (await process.thread(tenant, sent)).messages
    assert [(message.role, message.status) for message in messages[1:]] == [
        ("assistant", "REQUIRES_ACTION"), ("tool", "COMPLETED"),
    ]  # fmt: skip


async def test_a_model_that_never_stops_calling_is_made_to_answer_and_then_given_up(
    process: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "TOOL_ROUNDS_MAX", 3)
    vendor.script(calls(("read", "call_1")))
    mcp.script(Reply(text="A tree."))

    sent = await send(process, tenant, mcp)
    with pytest.raises(Upstream, match="3 times in a row"):
        await sent.live.last_event()

    choices = [request.body.get("tool_choice") for request in vendor.requests]
    assert choices == [None, None, None, "none"]
    ids = [call["id"] for request in list(vendor.requests)[-1:] for message in request.body["messages"]
           for call in message.get("tool_calls", ())]  # fmt: skip
    assert len(set(ids)) == len(ids) == 3


async def test_a_choice_of_tools_holds_for_the_first_step_alone(
    process: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp
) -> None:
    vendor.script(calls(("read", "call_1")), Answer(text="Done."))
    mcp.script(Reply(text="A tree."))

    sent = await send(process, tenant, mcp, tool_choice=ToolChoice("required"))
    await sent.live.last_event()

    assert [request.body.get("tool_choice") for request in vendor.requests] == ["required", None]


async def test_a_tool_that_nobody_offers_cannot_be_chosen(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    sent = await process.send(tenant, tools=OWN, tool_choice=ToolChoice("function", "fly"))

    with pytest.raises(Invalid, match=r"fly.*ask_user"):
        await sent.live.last_event()
    assert not vendor.requests


async def test_a_server_that_cannot_be_reached_does_not_end_the_run(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="Without tools, then."))

    sent = await process.send(tenant, mcp_servers=[McpServer(name="gone", url="http://127.0.0.1:9/mcp")])

    assert isinstance(await sent.live.last_event(), events.RunEnded)


async def lose_while_tools_work(
    process: Replica, other: Replica, owner: Connection, mcp: FakeMcp, sent: Sent, executed: int
) -> None:
    """Lose the process while the server executes a call, and let the other one find the run."""

    async def is_at_work() -> bool:
        return len(mcp.calls) == executed

    await wait_until(is_at_work)
    process.lose(sent)

    mcp.script(Reply(text="Second time."))
    await other.take_over(owner, sent)


async def test_a_call_that_was_under_way_at_a_crash_is_not_made_again(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection, mcp: FakeMcp
) -> None:
    vendor.script(calls(("write", "call_1"), text="I write."), Answer(text="I do not know."))
    mcp.script(Reply(fault="hang"))
    sent = await send(process, tenant, mcp)

    await lose_while_tools_work(process, other, owner, mcp, sent, executed=1)
    await other.wait_for_status(tenant, sent, "COMPLETED")

    assert [*mcp.executions.values()] == [1]
    tool = (await other.thread(tenant, sent)).messages[2]
    assert tool.status == "FAILED"
    assert "nobody knows" in (tool.content or "")
    asked = vendor.requests[-1].body["messages"]
    assert [message["role"] for message in asked] == ["user", "assistant", "tool"]


async def test_a_call_that_may_be_repeated_is_made_again_under_the_same_key(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection, mcp: FakeMcp
) -> None:
    vendor.script(calls(("read", "call_1")), Answer(text="A tree."))
    mcp.script(Reply(fault="hang"))
    sent = await send(process, tenant, mcp)

    await lose_while_tools_work(process, other, owner, mcp, sent, executed=1)
    await other.wait_for_status(tenant, sent, "COMPLETED")

    assert [*mcp.executions.values()] == [2]
    messages = (await other.thread(tenant, sent)).messages
    assert [(message.role, message.content) for message in messages[2:]] == [
        ("tool", "Second time."), ("assistant", "A tree."),
    ]  # fmt: skip


async def test_a_crash_after_a_step_does_not_take_that_step_again(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection, mcp: FakeMcp
) -> None:
    silent = Answer(text="Never heard", first_byte_delay_seconds=30)
    vendor.script(calls(("write", "call_1")), silent, Answer(text="Written."))
    mcp.script(Reply(text="ok"))
    sent = await send(process, tenant, mcp)
    await vendor.wait_for_requests(2)
    process.lose(sent)

    await other.take_over(owner, sent)
    await other.wait_for_status(tenant, sent, "COMPLETED")

    assert [*mcp.executions.values()] == [1]
    messages = (await other.thread(tenant, sent)).messages
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant"]


async def test_a_tool_that_nobody_has_is_a_result_where_the_application_has_none_of_its_own(
    process: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp
) -> None:
    vendor.script(calls(("fly", "call_1")), Answer(text="I cannot fly."))

    sent = await send(process, tenant, mcp)
    seen = await seen_by_reader(sent)

    assert isinstance(seen[-1], events.RunEnded)
    assert [event.output for event in seen if isinstance(event, events.ToolResult)] == [
        "There is no tool of this name."
    ]
