"""The vocabulary of a run as it goes over the wire."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from backboard_server.domain import events
from backboard_server.domain.events import Event, LastEvent

# The names of the contract, section B.3.
NAMES = {
    "memory_retrieved",
    "message_received",
    "user_message",
    "run_started",
    "run_continuing",
    "message_start",
    "reasoning_streaming",
    "reasoning_ended",
    "content_streaming",
    "tool_call_start",
    "tool_call_ready",
    "tool_submit_required",
    "run_ended",
    "message_saved",
    "run_failed",
    "run_cancelled",
}
# Ours: what a published client may skip and lose nothing.
OURS = {"model_fallback", "run_queued", "resync", "tool_result"}
WHERE: dict[str, Any] = {"thread_id": "t", "assistant_id": "a", "run_id": "r"}


def test_the_union_holds_every_event_of_the_contract_and_a_few_of_ours() -> None:
    assert {kind.__struct_config__.tag for kind in get_args(Event)} == NAMES | OURS


def test_every_last_event_is_an_event() -> None:
    assert set(get_args(LastEvent)) < set(get_args(Event))


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_every_event_says_where_it_belongs(kind: type[Event]) -> None:
    assert {"thread_id", "assistant_id", "run_id"} <= set(kind.__struct_fields__)


def test_an_event_is_encoded_with_its_type_first() -> None:
    encoded = msgspec.json.encode(events.ContentStreaming(**WHERE, content="Hé"))

    assert encoded == (
        '{"type":"content_streaming","thread_id":"t","assistant_id":"a","run_id":"r","content":"Hé"}'.encode()
    )


def test_an_event_is_read_back_by_its_type() -> None:
    sent: list[Event] = [
        events.ReasoningStreaming(**WHERE, content="b", accumulated_reasoning="ab"),
        events.ToolCallStart(**WHERE, tool_call_id="call_1", name="look"),
        events.RunFailed(**WHERE, error="No", message="No", code="provider_timeout", retry_after_seconds=3.0),
    ]

    received = [msgspec.json.decode(msgspec.json.encode(event), type=Event) for event in sent]

    assert received == sent


def test_a_failure_mentions_a_retry_only_where_there_is_one() -> None:
    plain = events.RunFailed(**WHERE, error="No", message="No", code="provider_failed")

    assert "retry_after_seconds" not in msgspec.to_builtins(plain)
    assert msgspec.to_builtins(plain)["message_id"] is None
