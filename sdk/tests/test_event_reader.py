from __future__ import annotations

import pytest

from backboard import BackboardResponseError, BackboardRunError, BackboardTruncatedError, Event, RunEnded
from backboard._event_reader import EventReader

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
