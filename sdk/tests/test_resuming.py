from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard import (
    BackboardAPIError,
    BackboardConnectionError,
    BackboardNotFoundError,
    BackboardServerError,
    BackboardTimeoutError,
    BackboardTruncatedError,
    Event,
)
from backboard._event_reader import EventReader, Place
from backboard._requests import Request
from backboard._resuming import TRIES_MAX, Resumption

from .scripted_server import sse

FIRST = Request("POST", "/threads/messages", fields={"content": "Hi"}).under("k")
PLACE = Place("t", "r", "3")
ENDED_EARLY = BackboardTruncatedError("")
EVENTS = [
    sse("message_received", event_id="1", thread_id="t", run_id="r"),
    sse("content_streaming", event_id="2", content="Hé", thread_id="t", run_id="r"),
    sse("content_streaming", event_id="300", content="llo", thread_id="t", run_id="r"),
    sse("run_ended", event_id="301", content="Héllo", thread_id="t", run_id="r"),
]
STREAM = b"".join(EVENTS)


def reader_after(place: Place, *events: bytes) -> EventReader:
    reader = EventReader(place)
    list(reader.feed(b"".join(events)))
    return reader


def serve(request: Request) -> bytes:
    """What a server that keeps its events answers."""
    if request == FIRST:
        return STREAM
    assert (request.method, request.path) == ("GET", "/threads/t/runs/r/events")
    seen = int(request.headers["Last-Event-ID"])
    return b"".join(event for event in EVENTS if int(event.split(b"\n")[0][4:]) > seen)


def play(cuts: list[int]) -> list[Event]:
    """Read the stream while the first connections break off after so many bytes."""
    reader = EventReader()
    resumption = Resumption(FIRST, reader)
    request = FIRST
    said: list[Event] = []
    for cut in [*cuts, len(STREAM)]:
        said += reader.feed(serve(request)[:cut])
        try:
            reader.result()
        except BackboardTruncatedError as failure:
            request, _ = resumption.next_try(failure, 0.5)
            reader.restart()
        else:
            break
    return said


@given(st.lists(st.integers(0, len(STREAM)), max_size=TRIES_MAX))
def test_wherever_connections_break_off_each_event_comes_once_and_in_order(cuts: list[int]) -> None:
    assert play(cuts) == play([])


def test_a_stream_may_break_off_after_every_event() -> None:
    longest = max(map(len, EVENTS))

    assert play([longest] * 100) == play([])


def test_before_any_event_the_same_is_asked_for_again() -> None:
    assert Resumption(FIRST, EventReader()).next_try(ENDED_EARLY, 1.0) == (FIRST, 0.5)


def test_a_run_that_is_followed_is_asked_for_after_the_same_event_until_one_comes() -> None:
    request = Request("GET", "/threads/t/runs/r/events", query={"after": 3})

    assert Resumption(request, EventReader(PLACE)).next_try(ENDED_EARLY, 1.0) == (request, 0.5)


def test_what_the_caller_opened_is_not_sent_again() -> None:
    with open(__file__, "rb") as file:
        request = Request("POST", "/threads/messages", uploads=(("files", file),))

    with pytest.raises(BackboardTruncatedError):
        Resumption(request, EventReader()).next_try(ENDED_EARLY, 1.0)


@pytest.mark.parametrize(
    "event", [sse("message_start", run_id="r", thread_id="t"), sse("message_start", event_id="1")]
)
def test_a_server_that_keeps_no_log_is_not_asked_for_one(event: bytes) -> None:
    with pytest.raises(BackboardTruncatedError):
        Resumption(FIRST, reader_after(Place(), event)).next_try(ENDED_EARLY, 1.0)


def test_the_pause_doubles_until_five_tries_have_brought_nothing() -> None:
    resumption = Resumption(FIRST, reader_after(Place(), EVENTS[0]))

    assert [resumption.next_try(ENDED_EARLY, 1.0)[1] for _ in range(5)] == [0.5, 1, 2, 4, 8]
    with pytest.raises(BackboardTruncatedError):
        resumption.next_try(ENDED_EARLY, 1.0)


def test_patience_starts_anew_with_an_event_but_not_with_a_resync() -> None:
    reader = reader_after(Place(), EVENTS[0])
    resumption = Resumption(FIRST, reader)
    for _ in range(3):
        resumption.next_try(ENDED_EARLY, 1.0)

    list(reader.feed(sse("resync", event_id="2", content="")))
    assert resumption.next_try(ENDED_EARLY, 1.0)[1] == 4
    list(reader.feed(EVENTS[1]))
    assert resumption.next_try(ENDED_EARLY, 1.0)[1] == 0.5


def test_silence_and_passing_trouble_are_reasons_to_try_again() -> None:
    resumption = Resumption(FIRST, reader_after(Place(), EVENTS[0]))

    silent = BackboardTimeoutError("")
    silent.__cause__ = httpx.ReadTimeout("")
    assert resumption.next_try(silent, 1.0)[1] == 0.5
    assert resumption.next_try(BackboardConnectionError(""), 1.0)[1] == 1
    assert resumption.next_try(BackboardServerError("", 503), 1.0)[1] == 2


@pytest.mark.parametrize("failure", [BackboardNotFoundError("", 404), BackboardServerError("", 500)])
def test_a_rest_that_cannot_be_had_means_that_the_stream_is_truncated(failure: BackboardAPIError) -> None:
    resumption = Resumption(FIRST, reader_after(Place(), EVENTS[0]))

    with pytest.raises(BackboardTruncatedError) as raised:
        resumption.next_try(failure, 1.0)

    assert raised.value.__cause__ is failure


def test_a_message_that_is_refused_when_it_is_sent_again_says_so_itself() -> None:
    with pytest.raises(BackboardNotFoundError, match="No such thread"):
        Resumption(FIRST, EventReader()).next_try(BackboardNotFoundError("No such thread", 404), 1.0)


@pytest.mark.parametrize(
    ("last", "is_needless", "is_needless_for_a_follower"),
    [
        (EVENTS[-1], True, True),
        (sse("tool_submit_required", event_id="4", tool_calls=[]), True, False),
        (sse("tts_audio_chunk", event_id="4"), False, False),
    ],
    ids=["ended", "waiting", "media"],
)
def test_after_the_end_of_a_run_nothing_is_missing(
    last: bytes, is_needless: bool, is_needless_for_a_follower: bool
) -> None:
    reader = reader_after(PLACE, last)

    assert Resumption(FIRST, reader).is_needless is is_needless
    assert Resumption(Request("GET", "/events"), reader).is_needless is is_needless_for_a_follower
