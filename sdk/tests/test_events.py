from __future__ import annotations

import copy
import json
import pickle

import pytest

from backboard import (
    ContentStreaming,
    Event,
    MessageSaved,
    RunEnded,
    ToolCallReady,
    ToolSubmitRequired,
    UserMessage,
)
from backboard.events import event_from

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def test_an_event_is_a_dict_with_attributes() -> None:
    event = event_from({"type": "content_streaming", "content": "Hi", "thread_id": "t"}, "4")

    assert isinstance(event, ContentStreaming)
    assert event.get("type") == event.type == "content_streaming"
    assert event.content == event["content"] == "Hi"
    assert event.thread_id == "t"
    assert event.id == "4"
    assert json.loads(json.dumps(event)) == {"type": "content_streaming", "content": "Hi", "thread_id": "t"}


def test_a_field_that_did_not_come_is_none() -> None:
    event = event_from({"type": "run_ended"}, None)

    assert isinstance(event, RunEnded)
    assert event.cost_usd is None
    assert event.run_id is None
    assert event.context_usage is None
    assert event.attachments == []


def test_a_field_that_the_sdk_does_not_know_is_an_attribute_where_it_came_and_an_error_where_not() -> None:
    event = event_from({"type": "later", "value": 1}, None)

    assert getattr(event, "value") == 1  # noqa: B009 - a type checker knows no such field, and is right
    with pytest.raises(AttributeError, match="no field 'other'"):
        getattr(event, "other")  # noqa: B009 - likewise


def test_what_is_nested_is_typed_where_it_is_used() -> None:
    ready = event_from({"type": "tool_call_ready", "tool_call": CALL}, None)
    required = event_from({"type": "tool_submit_required", "tool_calls": [CALL]}, None)
    ended = event_from({"type": "run_ended", "context_usage": {"percent": 1.5, "model": "m"}}, None)

    assert isinstance(ready, ToolCallReady)
    assert ready.tool_call.function.parsed_arguments == {}
    assert isinstance(required, ToolSubmitRequired)
    assert [call.id for call in required.tool_calls] == ["c1"]
    assert isinstance(ended, RunEnded)
    assert ended.context_usage is not None
    assert ended.context_usage.percent == 1.5


@pytest.mark.parametrize(
    ("kind", "name"),
    [(UserMessage, "user_message"), (RunEnded, "run_ended"), (MessageSaved, "message_saved")],
)
def test_attachments_are_typed_wherever_they_stand(kind: type[Event], name: str) -> None:
    file = {"document_id": "018f2b6a-0000-7000-8000-000000000006", "filename": "a.pdf", "status": "indexed"}

    event = event_from({"type": name, "attachments": [file]}, None)

    assert type(event) is kind
    assert isinstance(event, (UserMessage, RunEnded, MessageSaved))
    assert event.attachments[0].filename == "a.pdf"


def test_an_event_survives_copying_and_pickling() -> None:
    event = event_from({"type": "content_streaming", "content": "Hi"}, "4")

    for twin in (copy.deepcopy(event), pickle.loads(pickle.dumps(event))):  # noqa: S301 - we pickled it ourselves
        assert (type(twin), twin, twin.id) == (ContentStreaming, event, "4")


def test_an_event_shows_its_kind() -> None:
    assert (
        repr(event_from({"type": "reasoning_ended"}, None)) == "ReasoningEnded({'type': 'reasoning_ended'})"
    )
