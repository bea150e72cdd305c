"""A conversation with a server: it survives what servers do, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp_types import Tool

from backboard_server.domain.errors import Upstream
from backboard_server.providers.outside import GuardedOutside
from backboard_server.tools.mcp import conversation, transport
from backboard_server.tools.mcp.conversation import Conversation
from backboard_server.tools.mcp.questions import list_tools
from fake_mcp import FakeMcp, FakeTool, Fault, Reply

AT_ONCE_SECONDS = 1.0


@asynccontextmanager
async def talking(
    outside: GuardedOutside, mcp: FakeMcp, headers: Mapping[str, str] = {}
) -> AsyncGenerator[Conversation]:
    """A conversation that, when it is over, has left no task and no session."""
    before = asyncio.all_tasks()
    talk = Conversation(outside, "docs", mcp.url, headers)
    try:
        yield talk
    finally:
        async with asyncio.timeout(AT_ONCE_SECONDS):
            await talk.aclose()
        assert {task for task in asyncio.all_tasks() - before if "fake" not in repr(task)} == set()


async def test_nothing_is_asked_before_a_question(outside: GuardedOutside, mcp: FakeMcp) -> None:
    async with talking(outside, mcp):
        pass

    assert not mcp.requests


@pytest.mark.parametrize("delivery", ["json", "sse"])
async def test_one_session_serves_all_questions_and_is_ended(outside: GuardedOutside, delivery: str) -> None:
    async with FakeMcp(delivery="sse" if delivery == "sse" else "json") as mcp:
        async with talking(outside, mcp) as talk:
            answers = await asyncio.gather(*(talk.ask(list_tools) for _ in range(5)))

        assert [[tool.name for tool in tools] for tools in answers] == [["echo"]] * 5
        assert mcp.asked("initialize") == 1
        assert mcp.sessions == set()
        assert {request.method for request in mcp.requests} == {"POST", "DELETE"}


async def test_headers_go_with_every_request(outside: GuardedOutside) -> None:
    async with FakeMcp(token="secret") as mcp:
        async with talking(outside, mcp, {"Authorization": "Bearer secret"}) as talk:
            await talk.ask(list_tools)

        assert {request.headers["authorization"] for request in mcp.requests} == {"Bearer secret"}
        assert {request.headers["user-agent"] for request in mcp.requests} == {"backboard-server"}


async def test_a_refused_key_is_told_with_the_name_of_the_server(outside: GuardedOutside) -> None:
    async with FakeMcp(token="secret") as mcp, talking(outside, mcp) as talk:
        with pytest.raises(Upstream) as caught:
            await talk.ask(list_tools)

    assert caught.value.message == "The MCP server docs failed: it refuses with HTTP status 401."


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("error", "boo"),
        ("status", "it refuses with HTTP status 500"),
        ("cut", "could not be asked"),
        ("bad_json", "its answer is not what the protocol says"),
        ("accepted", "202 Accepted"),
    ],
)
@pytest.mark.parametrize("method", ["initialize", "tools/list"])
@pytest.mark.parametrize("delivery", ["json", "sse"])
async def test_a_failure_is_told_and_the_next_question_is_answered(
    outside: GuardedOutside, fault: Fault, reason: str, method: str, delivery: str
) -> None:
    async with FakeMcp(delivery="sse" if delivery == "sse" else "json") as mcp:
        mcp.script(Reply(fault=fault, text="boo"), Reply(), method=method)
        async with talking(outside, mcp) as talk:
            with pytest.raises(Upstream, match=reason):
                await talk.ask(list_tools)

            assert len(await talk.ask(list_tools)) == 1


async def test_a_session_that_was_forgotten_is_begun_anew(outside: GuardedOutside, mcp: FakeMcp) -> None:
    async with talking(outside, mcp) as talk:
        await talk.ask(list_tools)
        mcp.forget_sessions()

        answers = await asyncio.gather(talk.ask(list_tools), talk.ask(list_tools))

    assert [len(tools) for tools in answers] == [1, 1]
    assert mcp.asked("initialize") == 2


async def test_what_a_server_says_and_asks_beside_its_answer_changes_nothing(outside: GuardedOutside) -> None:
    async with FakeMcp(delivery="sse") as mcp:
        mcp.script(Reply(fault="chatter"), method="tools/list")
        async with talking(outside, mcp) as talk:
            assert len(await talk.ask(list_tools)) == 1


async def test_a_stream_that_always_ends_too_early_is_given_up(outside: GuardedOutside) -> None:
    async with FakeMcp(delivery="sse") as mcp:
        mcp.script(Reply(fault="dropped"), method="tools/list")
        async with talking(outside, mcp) as talk:
            with pytest.raises(Upstream, match="SSE stream ended"):
                await talk.ask(list_tools)


@pytest.mark.parametrize("fault", ["hang", "hang_in_body"])
@pytest.mark.parametrize("method", ["server/discover", "initialize", "tools/list"])
@pytest.mark.parametrize("delivery", ["json", "sse"])
async def test_whoever_is_cancelled_while_a_server_hangs_is_free_at_once_and_so_is_the_end(
    outside: GuardedOutside, fault: Fault, method: str, delivery: str
) -> None:
    async with FakeMcp(delivery="sse" if delivery == "sse" else "json") as mcp:
        mcp.script(Reply(fault=fault), method=method)
        mcp.script(Reply(fault="hang"), method="notifications/cancelled")
        async with talking(outside, mcp) as talk:
            asking = asyncio.create_task(talk.ask(list_tools))
            async with asyncio.timeout(5):
                await mcp.wait_for(lambda: mcp.asked(method) > 0)
            asking.cancel()
            async with asyncio.timeout(AT_ONCE_SECONDS):
                await asyncio.wait([asking])
            assert asking.cancelled()
        async with asyncio.timeout(AT_ONCE_SECONDS):
            await mcp.wait_for_connections(0)


async def test_a_server_is_told_of_a_question_that_nobody_asks_any_more(
    outside: GuardedOutside, mcp: FakeMcp
) -> None:
    mcp.script(Reply(fault="hang"), method="tools/list")
    async with talking(outside, mcp) as talk:
        asking = asyncio.create_task(talk.ask(list_tools))
        async with asyncio.timeout(5):
            await mcp.wait_for(lambda: mcp.asked("tools/list") > 0)
            asking.cancel()
            await mcp.wait_for(lambda: mcp.asked("notifications/cancelled") > 0)


async def test_a_beginning_that_nobody_waits_for_is_given_up(outside: GuardedOutside, mcp: FakeMcp) -> None:
    mcp.script(Reply(fault="hang"), method="initialize")
    async with talking(outside, mcp) as talk:
        asking = asyncio.create_task(talk.ask(list_tools))
        async with asyncio.timeout(5):
            await mcp.wait_for(lambda: mcp.asked("initialize") > 0)
        asking.cancel()

        async with asyncio.timeout(AT_ONCE_SECONDS):
            await mcp.wait_for_connections(0)


async def test_a_server_that_does_not_say_hello_is_not_waited_for(
    outside: GuardedOutside, mcp: FakeMcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    mcp.script(Reply(fault="hang"), Reply(), method="initialize")
    async with talking(outside, mcp) as talk:
        with monkeypatch.context() as impatient:
            impatient.setattr(conversation, "OPENING_SECONDS_MAX", 0.05)
            with pytest.raises(Upstream, match="did not answer in time"):
                await talk.ask(list_tools)

        assert len(await talk.ask(list_tools)) == 1


async def test_the_end_does_not_wait_for_a_server_that_does_not_say_goodbye(
    outside: GuardedOutside, mcp: FakeMcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "GOODBYE_SECONDS_MAX", 0.05)
    mcp.script(Reply(fault="hang"), method="DELETE")
    async with talking(outside, mcp) as talk:
        await talk.ask(list_tools)

    async with asyncio.timeout(AT_ONCE_SECONDS):
        await mcp.wait_for_connections(0)


async def test_an_end_that_is_itself_cancelled_leaves_nothing(outside: GuardedOutside, mcp: FakeMcp) -> None:
    mcp.script(Reply(fault="hang"), method="DELETE")
    async with talking(outside, mcp) as talk:
        await talk.ask(list_tools)
        ending = asyncio.create_task(talk.aclose())
        async with asyncio.timeout(5):
            await mcp.wait_for(lambda: mcp.requests[-1].method == "DELETE")
        ending.cancel()
        await asyncio.wait([ending])

        async with asyncio.timeout(AT_ONCE_SECONDS):
            await mcp.wait_for_connections(0)


async def test_after_the_end_nothing_can_be_asked(outside: GuardedOutside, mcp: FakeMcp) -> None:
    async with talking(outside, mcp) as talk:
        await talk.aclose()

        with pytest.raises(Upstream, match="is over"):
            await talk.ask(list_tools)

    assert not mcp.requests


async def test_an_end_while_somebody_asks_is_a_failure_and_cancels_nobody(
    outside: GuardedOutside, mcp: FakeMcp
) -> None:
    mcp.script(Reply(fault="hang"), method="tools/list")
    async with talking(outside, mcp) as talk:
        asking = asyncio.create_task(talk.ask(list_tools))
        async with asyncio.timeout(5):
            await mcp.wait_for(lambda: mcp.asked("tools/list") > 0)
        await talk.aclose()

        with pytest.raises(Upstream, match="is over"):
            await asking


async def test_a_redirect_to_another_origin_is_not_followed(outside: GuardedOutside, mcp: FakeMcp) -> None:
    async with FakeMcp() as other:
        mcp.script(Reply(fault="redirect", text=other.url), method="tools/list")
        async with talking(outside, mcp, {"X-Key": "secret"}) as talk:
            with pytest.raises(Upstream, match="not followed"):
                await talk.ask(list_tools)

        assert not other.requests


async def test_an_answer_that_is_too_long_is_told_and_not_asked_for_again(
    outside: GuardedOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_BYTES_MAX", 1_000)
    async with FakeMcp(tools=(FakeTool("x" * 2_000),), delivery="sse") as mcp, talking(outside, mcp) as talk:
        with pytest.raises(Upstream, match="longer than 1,000 bytes"):
            await talk.ask(list_tools)

        assert mcp.asked("tools/list") == 1


@pytest.mark.parametrize("session", ["sé", "s\x01"])
async def test_a_session_that_no_header_can_carry_is_a_failure(outside: GuardedOutside, session: str) -> None:
    async with FakeMcp(session=session) as mcp, talking(outside, mcp) as talk:
        with pytest.raises(Upstream, match=r"required|characters that no header can"):
            await talk.ask(list_tools)


async def test_a_line_that_is_dead_is_not_used_again(outside: GuardedOutside, mcp: FakeMcp) -> None:
    async with talking(outside, mcp) as talk:
        await talk.ask(list_tools)
        (holder,) = (task for task in asyncio.all_tasks() if "Conversation._hold" in repr(task))
        holder.cancel()
        await asyncio.wait([holder])

        assert len(await talk.ask(list_tools)) == 1


async def test_passwords_of_the_machine_are_not_sent(
    outside: GuardedOutside, mcp: FakeMcp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with talking(outside, mcp) as talk:
        await talk.ask(list_tools)

    assert not any("authorization" in request.headers for request in mcp.requests)


async def test_the_log_holds_nothing_that_a_server_says(
    outside: GuardedOutside, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with FakeMcp(session="canary-session") as mcp:
        mcp.script(
            Reply(fault="status", text="canary"), Reply(fault="bad_json"), Reply(), method="tools/list"
        )
        async with talking(outside, mcp) as talk:
            await asyncio.gather(*(talk.ask(list_tools) for _ in range(3)), return_exceptions=True)

    assert "canary" not in caplog.text
    assert "/mcp" not in caplog.text


async def test_a_question_may_fail_in_its_own_way(outside: GuardedOutside, mcp: FakeMcp) -> None:
    async def question(session: object) -> list[Tool]:
        raise ValueError(session)

    async with talking(outside, mcp) as talk:
        with pytest.raises(Upstream, match="broke off"):
            await talk.ask(question)
