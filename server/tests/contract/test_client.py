"""The server and its client say the same things by the same names."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

import backboard
from backboard import BackboardClient, SyncBackboardClient
from backboard._event_reader import EventReader
from backboard_server.api import answers, memories, sse
from backboard_server.domain import events
from backboard_server.domain.events import ContextUsage, Event, ToolCallView, ToolFunction
from backboard_server.domain.memories import RetrievedMemory
from backboard_server.domain.runs import Attempt
from backboard_server.runs.log import Numbered

NOT_FOR_APPLICATIONS = {"health", "ready", "metrics"}

KINDS: list[type[msgspec.Struct]] = list(typing.get_args(Event))
CALL = ToolCallView(id="call_1", function=ToolFunction("look", '{"at": "it"}'))
VALUES: dict[str, Any] = {
    "failed": Attempt(model_provider="p", model_name="m", error_code="c", error="e"),
    "attempts": [Attempt(model_provider="p", model_name="m")],
    "cost_usd": 0.5,
    "created_at": datetime(2026, 11, 23, tzinfo=UTC),
    "tool_call": CALL,
    "tool_calls": [CALL],
    "context_usage": ContextUsage(percent=1.5, used_tokens=3, context_limit=200, summary_tokens=0, model="m"),
}

TWINS: list[tuple[type[BaseModel], type[object]]] = [
    (answers.MessageResponse, backboard.ToolOutputsResponse),
    (memories.MemoryRead, backboard.Memory),
    (memories.MemoriesListed, backboard.MemoriesListResponse),
    (memories.MemoryAdded, backboard.MemoryAdded),
    (memories.MemoryDeleted, backboard.MemoryDeleted),
    (memories.MemoryFound, backboard.MemoryFound),
    (memories.MemoriesFound, backboard.MemoriesFound),
    (memories.MemoryStatsRead, backboard.MemoryStats),
    (memories.MemoryInsights, backboard.MemoryInsights),
    (memories.MemoryChangeRead, backboard.MemoryChange),
    (memories.MemoryOperationRead, backboard.MemoryOperation),
]


def example(kind: type[msgspec.Struct]) -> Event:
    """Return an event with every field that it must have: numbers are 1, texts their own name."""
    fields: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.required:
            fields[field.name] = VALUES.get(field.name, 1 if field.type is int else field.name)
    return typing.cast(Event, kind(**fields))


def test_every_operation_has_a_method_of_its_name(app: FastAPI) -> None:
    operations = {
        operation["operationId"]
        for methods in app.openapi()["paths"].values()
        for operation in methods.values()
    }

    for name in operations - NOT_FOR_APPLICATIONS:
        assert callable(getattr(BackboardClient, name, None)), name
        assert callable(getattr(SyncBackboardClient, name, None)), name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_that_the_server_encodes_has_its_twin_in_the_client(kind: type[msgspec.Struct]) -> None:
    event = example(kind)
    line = sse.encode([Numbered(7, event)])

    decoded = read(line)

    twin = getattr(backboard, kind.__name__)
    assert type(decoded) is twin
    assert decoded.id == "7"
    assert decoded == msgspec.to_builtins(event)
    for field in msgspec.structs.fields(kind):
        assert any(field.name in known_to(base) for base in twin.__mro__), field.name
        if field.required:
            assert getattr(decoded, field.name) is not None, field.name


@pytest.mark.parametrize(("answer", "twin"), TWINS, ids=lambda kind: kind.__name__)
def test_every_field_of_an_answer_is_known_to_its_twin_in_the_client(
    answer: type[BaseModel], twin: type[object]
) -> None:
    sent = answer.model_json_schema(mode="serialization")["properties"]

    assert sent.keys() <= typing.get_type_hints(twin).keys()


def test_every_field_of_what_is_recalled_is_known_to_the_client() -> None:
    sent = {field.encode_name for field in msgspec.structs.fields(RetrievedMemory)}

    assert sent == typing.get_type_hints(backboard.RetrievedMemory).keys()


def test_the_union_of_events_is_what_the_module_defines() -> None:
    defined = {
        value
        for name, value in vars(events).items()
        if isinstance(value, type)
        and issubclass(value, msgspec.Struct)
        and "thread_id" in value.__struct_fields__
        and not name.startswith("_")
        and value.__struct_config__.tag is not None
    }

    assert defined == set(KINDS)


def known_to(kind: type[object]) -> set[str]:
    """Return the fields and properties that a class declares by itself."""
    return {*vars(kind), *vars(kind).get("__annotations__", {})}


def read(line: bytes) -> backboard.Event:
    """Decode one event as the client does."""
    reader = EventReader()
    if b'"type":"run_failed"' not in line:
        return next(reader.feed(line))
    with pytest.raises(backboard.BackboardRunError) as raised:
        next(reader.feed(line))
    assert isinstance(raised.value.event, backboard.Event)
    return raised.value.event
