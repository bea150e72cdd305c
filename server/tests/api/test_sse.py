"""Server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from backboard_server.api import sse
from backboard_server.domain.events import ContentStreaming, Event, RunCancelled
from backboard_server.runs.live import LiveRun
from events_of import events_of

IDS = {"thread_id": "t", "assistant_id": "a", "run_id": "r"}


def piece(text: str) -> Event:
    return ContentStreaming(**IDS, content=text)


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


def test_events_are_encoded_as_the_contract_frames_them() -> None:
    encoded = sse.encode([piece("one\ntwo"), piece("é")], 0).decode()

    assert [event["content"] for event in events_of(encoded)] == ["one\ntwo", "é"]
    assert encoded.startswith('id: 1\ndata: {"type":"content_streaming",')


def test_no_client_takes_a_character_of_the_text_for_the_end_of_a_line() -> None:
    text = "a\x85b\u2028c\u2029d\x0be\x0cf\x1cg\r\nh"

    encoded = sse.encode([piece(text)], 0).decode()

    assert len(encoded.splitlines()) == 3, "an id, the data and a blank line, for whatever splits lines"
    assert [event["content"] for event in events_of(encoded)] == [text]


async def test_silence_is_bridged_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_SECONDS", 0.01)
    go_on = asyncio.Event()
    bodies: list[bytes] = []

    async def events() -> AsyncGenerator[Event]:
        yield piece("before")
        await go_on.wait()
        yield RunCancelled(**IDS)

    async def send(message: Message) -> None:
        bodies.append(message.get("body", b""))
        if bodies.count(b": keep-alive\n\n") == 3:
            go_on.set()

    await sse.EventStream(LiveRun(events(), has_reader=True))({"type": "http"}, never, send)

    assert bodies.count(b": keep-alive\n\n") >= 3
    types = [event["type"] for event in events_of(b"".join(bodies).decode())]
    assert types == ["content_streaming", "run_cancelled"]


async def test_a_client_that_is_gone_does_not_end_the_run() -> None:
    said: list[str] = []

    async def events() -> AsyncGenerator[Event]:
        for text in ("one", "two"):
            said.append(text)
            yield piece(text)
            await asyncio.sleep(0)
        yield RunCancelled(**IDS)

    async def send(_message: Message) -> None:
        raise OSError("the client is gone")

    run = LiveRun(events(), has_reader=True)
    with pytest.raises(OSError, match="gone"):
        await sse.EventStream(run)({"type": "http"}, never, send)

    await run.last_event()
    assert said == ["one", "two"]
