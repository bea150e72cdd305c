"""Streams whose connections break off: what the application reads is as if none had."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from backboard import (
    BackboardClient,
    BackboardConnectionError,
    BackboardNotFoundError,
    BackboardTimeoutError,
    BackboardTruncatedError,
    Event,
    Resync,
    RunEnded,
    SyncBackboardClient,
)

from .conftest import Connect
from .scripted_server import Answer, Received, ScriptedServer, json_answer, sse, stream_answer

RESUMED = "/api/threads/t/runs/r/events"
KEY = "idempotency-key"


def numbered(event_id: int, event_type: str, thread_id: str = "t", **fields: object) -> bytes:
    return sse(event_type, event_id=str(event_id), thread_id=thread_id, run_id="r", **fields)


START = numbered(1, "message_start", message_id="m")
HEL = numbered(2, "content_streaming", content="Hel")
LO = numbered(3, "content_streaming", content="lo")
ENDED = numbered(4, "run_ended", content="Hello")


async def read(client: BackboardClient) -> list[Event]:
    return [event async for event in await client.send_message("Hi", stream=True)]


@pytest.mark.parametrize("is_cut_off", [True, False], ids=["cut off", "ended"])
async def test_a_stream_goes_on_after_the_last_event_that_came_whole(
    client: BackboardClient, server: ScriptedServer, is_cut_off: bool
) -> None:
    server.script(stream_answer(START + HEL + LO[:-1], is_cut_off=is_cut_off), stream_answer(HEL, LO, ENDED))

    events = await read(client)

    assert [event.id for event in events] == ["1", "2", "3", "4"]
    assert (server.last_request.method, server.last_request.path) == ("GET", RESUMED)
    assert server.last_request.headers["last-event-id"] == "2"
    assert KEY not in server.last_request.headers


async def test_a_stream_that_broke_off_before_any_event_is_asked_for_under_its_key(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(START[:-1], is_cut_off=True), stream_answer(START, ENDED))

    events = await read(client)

    assert len(events) == 2
    first, second = server.requests
    assert (first.path, first.body, first.headers[KEY]) == (second.path, second.body, second.headers[KEY])


async def test_silence_is_no_end(connect: Connect, server: ScriptedServer) -> None:
    server.script(stream_answer(START, HEL, is_silent=True), stream_answer(LO, ENDED))

    assert len(await read(connect(timeout=0.3))) == 4


async def test_passing_trouble_on_the_way_back_is_waited_out(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(
        stream_answer(START, is_cut_off=True),
        Answer(is_dropped=True),
        json_answer({"detail": "Not now"}, 503, Retry_After="0"),
        stream_answer(ENDED),
    )

    assert isinstance((await read(client))[-1], RunEnded)


async def test_a_server_without_a_log_leaves_the_stream_truncated(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(START), json_answer({"detail": "Not Found"}, 404))

    with pytest.raises(BackboardTruncatedError, match="read the thread") as raised:
        await read(client)

    assert isinstance(raised.value.__cause__, BackboardNotFoundError)


async def test_what_was_missed_and_is_gone_comes_as_a_resync(
    client: BackboardClient, server: ScriptedServer
) -> None:
    again = numbered(900, "resync", after=2, message_id="m", content="Hello", reasoning="", reason="expired")
    server.script(
        stream_answer(START, HEL, is_cut_off=True),
        stream_answer(again, numbered(901, "run_ended", content="Hello")),
    )

    events = await read(client)

    assert isinstance(events[2], Resync)
    assert (events[2].after, events[2].content, events[2].reason) == (2, "Hello", "expired")
    assert [event.id for event in events] == ["1", "2", "900", "901"]


async def test_the_text_has_each_piece_once_whatever_had_to_be_said_again(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(
        stream_answer(START, HEL, is_cut_off=True),
        stream_answer(numbered(900, "resync", content="Hello"), numbered(901, "run_ended", content="Hello")),
    )

    stream = await client.send_message("Hi", stream=True)

    assert [piece async for piece in stream.text] == ["Hel", "lo"]
    assert (await stream.final()).get("content") == "Hello"


async def test_a_connection_that_breaks_after_the_end_of_the_run_is_no_matter(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(START, ENDED, is_cut_off=True))

    assert len(await read(client)) == 2
    assert len(server.requests) == 1


async def test_media_that_break_off_behind_the_end_of_the_run_are_fetched(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(
        stream_answer(ENDED, numbered(5, "tts_audio_chunk"), is_cut_off=True),
        stream_answer(numbered(6, "tts_stream_end")),
    )

    assert [event.id for event in await read(client)] == ["4", "5", "6"]


async def test_a_stream_says_which_run_it_follows_and_how_far_it_is(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(START, HEL, LO, ENDED))

    stream = await client.send_message("Hi", stream=True)
    before = (stream.run_id, stream.last_event_id)
    await stream.final()

    assert before == (None, None)
    assert (stream.run_id, stream.last_event_id) == ("r", "4")


async def test_a_run_is_followed_from_where_the_caller_says(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(Answer(is_dropped=True), stream_answer(LO, is_cut_off=True), stream_answer(ENDED))

    stream = await client.stream_run_events("t", "r", after=2)
    events = [event async for event in stream]

    assert [event.id for event in events] == ["3", "4"]
    assert [request.query for request in server.requests] == [{"after": "2"}, {"after": "2"}, {}]
    assert server.last_request.headers["last-event-id"] == "3"


async def test_a_run_that_went_on_while_it_was_followed_is_followed_on(
    client: BackboardClient, server: ScriptedServer
) -> None:
    waiting = numbered(2, "tool_submit_required", tool_calls=[])
    server.script(
        stream_answer(START, waiting, is_cut_off=True),
        stream_answer(numbered(3, "run_continuing"), is_cut_off=False),
        stream_answer(ENDED),
    )

    stream = await client.stream_run_events("t", "r")

    assert isinstance(await stream.final(), RunEnded)


async def test_what_cannot_be_sent_again_is_not(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(stream_answer(is_cut_off=True))
    stream = await client.send_message("Hi", files=[("a.txt", io.BytesIO(b"A"))], stream=True)

    with pytest.raises(BackboardConnectionError):
        await stream.final()

    assert len(server.requests) == 1


async def test_a_stream_that_was_closed_is_not_taken_up_again(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(START, HEL, is_silent=True))

    async with await client.send_message("Hi", stream=True) as stream:
        async for _ in stream:
            break

    assert len(server.requests) == 1


async def test_a_server_that_only_repeats_itself_is_given_up_on(
    connect: Connect, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backboard._patience.DELAY_FIRST_SECONDS", 0.01)
    server.respond = lambda _: stream_answer(START, is_silent=True)

    with pytest.raises(BackboardTimeoutError):
        await read(connect(timeout=0.2))

    assert len(server.requests) == 1 + 5


class CuttingServer:
    """Ends the first connection of each stream after as many bytes as its message asks for."""

    def __init__(self, *, is_cut_off: bool) -> None:
        self._is_cut_off = is_cut_off
        self._seen: Counter[str] = Counter()

    @staticmethod
    def events(thread_id: str) -> list[bytes]:
        return [
            numbered(7, "message_start", thread_id, message_id="m"),
            b": keep-alive\n\n" + numbered(8, "content_streaming", thread_id, content="Hé\n"),
            numbered(1007, "run_ended", thread_id, content="Hé\n"),
        ]

    def respond(self, request: Received) -> Answer:
        if request.method == "GET":
            after = int(request.headers["last-event-id"])
            events = self.events(request.path.split("/")[3])
            return stream_answer(*[event for event in events if _id(event) > after])
        cut = request.json["content"]
        key = request.headers[KEY]
        self._seen[key] += 1
        stream = b"".join(self.events(cut))
        if self._seen[key] == 1:
            return stream_answer(stream[: int(cut)], is_cut_off=self._is_cut_off)
        return stream_answer(stream)


def _id(event: bytes) -> int:
    return int(event.split(b"id: ")[1].split(b"\n")[0])


CUTS = range(len(b"".join(CuttingServer.events("100"))))
WHOLE = ["7", "8", "1007"]


@pytest.mark.parametrize("is_cut_off", [True, False], ids=["cut off", "ended"])
async def test_a_stream_may_break_off_at_any_byte(server: ScriptedServer, is_cut_off: bool) -> None:
    server.respond = CuttingServer(is_cut_off=is_cut_off).respond

    async with BackboardClient("espr_test", server.url) as client:

        async def read_one(cut: int) -> list[str | None]:
            return [event.id async for event in await client.send_message(str(cut), stream=True)]

        assert await asyncio.gather(*map(read_one, CUTS)) == [WHOLE] * len(CUTS)


@pytest.mark.parametrize("is_cut_off", [True, False], ids=["cut off", "ended"])
def test_a_sync_stream_may_break_off_at_any_byte(server: ScriptedServer, is_cut_off: bool) -> None:
    server.respond = CuttingServer(is_cut_off=is_cut_off).respond

    with SyncBackboardClient("espr_test", server.url) as client, ThreadPoolExecutor(32) as pool:

        def read_one(cut: int) -> list[str | None]:
            return [event.id for event in client.send_message(str(cut), stream=True)]

        assert list(pool.map(read_one, CUTS)) == [WHOLE] * len(CUTS)
