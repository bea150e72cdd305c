"""Server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.types import Message

from backboard_server.api import sse
from backboard_server.domain.events import ContentStreaming, Event, RunCancelled
from backboard_server.runs.live import LiveReader, LiveRun
from backboard_server.runs.log import Numbered, RunLog
from events_of import events_of

SCOPE = {"type": "http"}
IDS: dict[str, Any] = {"thread_id": "t", "assistant_id": "a", "run_id": "r"}


def piece(text: str) -> Event:
    return ContentStreaming(**IDS, content=text)


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


def test_events_are_encoded_as_the_contract_frames_them() -> None:
    encoded = sse.encode([Numbered(1, piece("one\ntwo")), Numbered(2, piece("é"))]).decode()

    assert [event["content"] for event in events_of(encoded)] == ["one\ntwo", "é"]
    assert encoded.startswith('id: 1\ndata: {"type":"content_streaming",')


def test_an_event_has_its_number_in_the_run_for_its_id() -> None:
    encoded = sse.encode([Numbered(7, piece("a")), Numbered(10_008, piece("b"))]).decode()

    assert [line for line in encoded.splitlines() if line.startswith("id:")] == ["id: 7", "id: 10008"]


def test_no_client_takes_a_character_of_the_text_for_the_end_of_a_line() -> None:
    text = "a\x85b\u2028c\u2029d\x0be\x0cf\x1cg\r\nh"

    encoded = sse.encode([Numbered(1, piece(text))]).decode()

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

    await sse.EventStream(reader_of(LiveRun(events(), RunLog(), has_reader=True)))(SCOPE, never, send)

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

    run = LiveRun(events(), RunLog(), has_reader=True)
    with pytest.raises(OSError, match="gone"):
        await sse.EventStream(reader_of(run))(SCOPE, never, send)

    await run.last_event()
    assert said == ["one", "two"]


async def test_a_stream_that_watches_its_client_ends_at_once_when_it_goes() -> None:
    going = asyncio.Event()

    async def events() -> AsyncGenerator[Event]:
        yield piece("before")
        await asyncio.Event().wait()

    async def receive() -> Message:
        await going.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message.get("body"):
            going.set()

    run = LiveRun(events(), RunLog(), has_reader=True, ends_with_reader=True)
    async with asyncio.timeout(sse.KEEP_ALIVE_SECONDS / 2):
        await sse.EventStream(reader_of(run), watches_client=True)(SCOPE, receive, send)

    assert run.log.stop_reason == "cancelled"


async def test_a_reader_is_closed_however_its_stream_ends() -> None:
    class Reader:
        is_closed = False

        async def next_events(self, wait_seconds: float) -> list[Numbered] | None:
            assert wait_seconds == sse.KEEP_ALIVE_SECONDS
            return None

        async def aclose(self) -> None:
            self.is_closed = True

    bodies: list[Message] = []

    async def send(message: Message) -> None:
        bodies.append(message)

    reader = Reader()
    await sse.EventStream(reader)(SCOPE, never, send)

    assert reader.is_closed
    assert [message["type"] for message in bodies] == ["http.response.start", "http.response.body"]
    assert bodies[-1]["more_body"] is False


def reader_of(run: LiveRun) -> LiveReader:
    assert run.reader is not None
    return run.reader
