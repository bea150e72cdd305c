from __future__ import annotations

import pytest

from backboard import BackboardResponseError, BackboardRunError, BackboardTruncatedError, Event, RunEnded
from backboard._event_reader import EventReader, Place

from .scripted_server import sse


def test_events_before_a_failure_in_the_same_bytes_are_given_first() -> None:
    reader = EventReader()
    events = reader.feed(sse("message_start", message_id="m") + sse("run_failed", message="No more"))

    assert next(events)["message_id"] == "m"
    with pytest.raises(BackboardRunError, match="No more"):
        next(events)


def test_the_result_is_the_last_event_of_the_run() -> None:
    reader = EventReader()
    list(reader.feed(sse("run_ended", content="Hello") + sse("tts_stream_end")))

    assert isinstance(reader.result(), RunEnded)


def test_without_a_last_event_there_is_no_result() -> None:
    reader = EventReader()
    list(reader.feed(sse("message_start", message_id="m")))

    with pytest.raises(BackboardTruncatedError):
        reader.result()


def test_an_event_of_an_unknown_kind_is_given_as_it_is() -> None:
    (event,) = EventReader().feed(sse("something_later", value=1))

    assert type(event) is Event
    assert event == {"type": "something_later", "value": 1}


def test_the_status_of_a_completed_run_may_be_written_in_any_case() -> None:
    (event,) = EventReader().feed(sse("run_ended", status="COMPLETED"))

    assert event["status"] == "COMPLETED"


def test_what_is_shown_of_garbage_is_short() -> None:
    with pytest.raises(BackboardResponseError) as raised:
        list(EventReader().feed(b"data: " + b"x" * 10_000 + b"\n\n"))

    assert len(str(raised.value)) < 300


def said(event_id: int, content: str = "", **fields: str) -> bytes:
    return sse("content_streaming", event_id=str(event_id), content=content, **fields)


def test_the_place_is_where_the_last_event_stood() -> None:
    reader = EventReader()
    list(reader.feed(said(3, thread_id="t", run_id="r") + said(4) + sse("something_later")))

    assert reader.place == Place("t", "r", "4")


def test_another_connection_brings_only_what_is_missing() -> None:
    reader = EventReader()
    first = list(reader.feed(said(8, "a") + said(9, "b") + said(10, "c")[:-1]))

    reader.restart()
    second = list(reader.feed(said(9, "b") + said(10, "c") + said(700, "d")))

    assert [event["content"] for event in first + second] == ["a", "b", "c", "d"]


def test_a_reader_that_begins_in_the_middle_leaves_out_what_was_before() -> None:
    reader = EventReader(Place("t", "r", "5"))

    assert [event.id for event in reader.feed(said(5) + said(6))] == ["6"]


def test_an_event_without_a_number_of_its_own_is_never_left_out() -> None:
    reader = EventReader()

    events = list(reader.feed(said(5) + sse("tts_audio_chunk") + sse("tts_stream_end")))

    assert len(events) == 3


def test_after_a_resync_numbers_begin_where_it_stands() -> None:
    reader = EventReader(Place("t", "r", "50"))

    resync = sse("resync", event_id="20", content="a", reason="taken_over")
    events = list(reader.feed(resync + said(21, "b")))

    assert [event.type for event in events] == ["resync", "content_streaming"]
    assert reader.place.event_id == "21"
    assert reader.events_read == 1


def test_a_last_event_that_comes_again_does_not_end_the_stream() -> None:
    reader = EventReader(Place("t", "r", "5"))
    list(reader.feed(sse("tool_submit_required", event_id="5", tool_calls=[])))

    with pytest.raises(BackboardTruncatedError):
        reader.result()


def test_the_end_is_where_nothing_follows_the_last_event() -> None:
    reader = EventReader()
    list(reader.feed(sse("run_ended")))
    assert reader.is_at_end

    list(reader.feed(sse("tts_audio_chunk")))
    assert not reader.is_at_end


def test_a_run_that_goes_on_has_not_ended_yet() -> None:
    reader = EventReader()
    list(reader.feed(sse("tool_submit_required", tool_calls=[]) + sse("run_continuing")))

    with pytest.raises(BackboardTruncatedError):
        reader.result()
