from __future__ import annotations

import httpx
import pytest

from backboard import (
    BackboardClient,
    BackboardConnectionError,
    BackboardResponseError,
    BackboardRunError,
    BackboardTimeoutError,
    BackboardTruncatedError,
    ContentStreaming,
    Event,
    MessageSaved,
    RunCancelled,
    RunEnded,
)

from .conftest import Connect
from .scripted_server import ScriptedServer, sse, stream_answer

THREAD_ID = "018f2b6a-0000-7000-8000-000000000002"
HEL = sse("content_streaming", content="Hel")
LO = sse("content_streaming", content="lo")
ENDED = sse("run_ended", status="completed", content="Hello")


async def read(client: BackboardClient) -> list[Event]:
    """Send a message and return everything that its stream says."""
    said: list[Event] = []
    await read_into(said, client)
    return said


async def read_into(said: list[Event], client: BackboardClient) -> None:
    """As `read`, for a stream that fails after it has said something."""
    async for event in await client.add_message(THREAD_ID, "Hi", stream=True):
        said.append(event)


async def test_events_arrive_while_the_answer_is_still_being_said(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(HEL, is_silent=True))

    async with await client.add_message(THREAD_ID, "Hi", stream=True) as stream:
        async for event in stream:
            assert event.get("content") == "Hel"
            break


async def test_ids_are_kept_and_comments_ignored(client: BackboardClient, server: ScriptedServer) -> None:
    first = sse("content_streaming", event_id="7", content="Hel")
    server.script(stream_answer(first[:9], first[9:], b": keep-alive\n\n", ENDED))

    events = await read(client)

    assert [(event.type, event.id) for event in events] == [("content_streaming", "7"), ("run_ended", "7")]


async def test_text_is_the_answer_alone(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(stream_answer(sse("message_start", message_id="m"), HEL, LO, ENDED))

    async with await client.add_message(THREAD_ID, "Hi", stream=True) as stream:
        pieces = [piece async for piece in stream.text]

    assert pieces == ["Hel", "lo"]


async def test_final_is_the_event_that_ended_the_run_whatever_media_follow(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(HEL, LO, ENDED, sse("tts_audio_chunk", data="AA=="), sse("tts_stream_end")))

    stream = await client.add_message(THREAD_ID, "Hi", stream=True)
    last = await stream.final()

    assert isinstance(last, RunEnded)
    assert last.content == "Hello"
    assert await stream.final() is last


async def test_what_follows_the_end_of_a_run_is_still_given(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(ENDED, sse("tts_stream_end", audio_url="https://a.example/b.mp3")))

    events = await read(client)

    assert events[-1].get("audio_url") == "https://a.example/b.mp3"


@pytest.mark.parametrize(("last", "kind"), [("message_saved", MessageSaved), ("run_cancelled", RunCancelled)])
async def test_a_run_may_end_without_an_answer(
    client: BackboardClient, server: ScriptedServer, last: str, kind: type[Event]
) -> None:
    server.script(stream_answer(sse(last, message_id="m")))

    assert isinstance((await read(client))[-1], kind)


async def test_a_stream_that_ends_before_its_run_is_truncated(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(HEL))
    said: list[Event] = []

    with pytest.raises(BackboardTruncatedError, match="read the thread"):
        await read_into(said, client)

    assert [type(event) for event in said] == [ContentStreaming]
    assert len(server.requests) == 1


async def test_a_stream_whose_connection_breaks_is_an_error_and_not_asked_for_again(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(HEL, is_cut_off=True))

    with pytest.raises(BackboardConnectionError):
        await read(client)

    assert len(server.requests) == 1


async def test_a_stream_that_falls_silent_times_out(connect: Connect, server: ScriptedServer) -> None:
    server.script(stream_answer(HEL, is_silent=True))

    with pytest.raises(BackboardTimeoutError):
        await read(connect(timeout=0.2))


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {\n\n",
        b"data: [DONE]\n\n",
        b"data: 7\n\n",
        b'data: {"content": "no type"}\n\n',
        b"data: \xff\n\n",
    ],
)
async def test_what_is_not_an_event_is_an_error_after_the_events_before_it(
    client: BackboardClient, server: ScriptedServer, garbage: bytes
) -> None:
    server.script(stream_answer(HEL + garbage + ENDED))
    said: list[Event] = []

    with pytest.raises(BackboardResponseError, match="not an event"):
        await read_into(said, client)

    assert len(said) == 1


async def test_a_failed_run_raises_with_its_event(client: BackboardClient, server: ScriptedServer) -> None:
    failed = sse(
        "run_failed",
        error="rate limited",
        message="OpenAI is busy",
        code="provider_rate_limited",
        retry_after_seconds=3,
    )
    server.script(stream_answer(HEL, failed))

    with pytest.raises(BackboardRunError, match="OpenAI is busy") as raised:
        await read(client)

    assert (raised.value.code, raised.value.retry_after) == ("provider_rate_limited", 3)
    assert raised.value.event["type"] == "run_failed"


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (sse("error", error={"message": "Voice failed"}), "Voice failed"),
        (sse("error", message="", error="Lost"), "Lost"),
        (sse("error"), "did not say why"),
        (sse("run_ended", status="requires_action"), "requires_action"),
    ],
)
async def test_every_way_of_failing_raises(
    client: BackboardClient, server: ScriptedServer, failure: bytes, said: str
) -> None:
    server.script(stream_answer(failure))

    with pytest.raises(BackboardRunError, match=said):
        await read(client)


async def test_leaving_a_stream_frees_its_connection_for_the_next(
    connect: Connect, server: ScriptedServer, request: pytest.FixtureRequest
) -> None:
    server.script(stream_answer(HEL, is_silent=True), stream_answer(ENDED))
    only_one = httpx.Limits(max_connections=1)
    is_async = request.node.callspec.params["connect"] == "async"
    http = httpx.AsyncClient(limits=only_one) if is_async else httpx.Client(limits=only_one)
    client = connect(http_client=http, timeout=2, max_retries=0)

    async with await client.add_message(THREAD_ID, "Hi", stream=True):
        pass
    last = await (await client.add_message(THREAD_ID, "Hi", stream=True)).final()

    assert isinstance(last, RunEnded)
    await http.aclose() if isinstance(http, httpx.AsyncClient) else http.close()


async def test_a_stream_closed_early_has_no_final_event(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(stream_answer(HEL, is_silent=True))
    stream = await client.add_message(THREAD_ID, "Hi", stream=True)

    await stream.aclose()

    with pytest.raises(BackboardTruncatedError):
        await stream.final()
