from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.prompts import ToolCallDelta
from backboard_server.providers._calls import (
    CALLS_MAX,
    ID_CHARACTERS_MAX,
    CallIds,
    Names,
    OpenedCalls,
    object_of,
)
from backboard_server.providers._failures import Failure

NAME_CHARACTERS_MAX = 128


def test_a_name_that_the_vendor_takes_stays_as_it_is() -> None:
    assert Names(NAME_CHARACTERS_MAX).of("look_up-2") == "look_up-2"


def test_a_foreign_name_is_mended_the_same_way_throughout() -> None:
    names = Names(NAME_CHARACTERS_MAX)

    assert [names.of("files.read"), names.of("files.read")] == ["files_read", "files_read"]


def test_two_names_never_become_one() -> None:
    names = Names(NAME_CHARACTERS_MAX)

    assert [names.of("files.read"), names.of("files_read"), names.of("files:read")] == [
        "files_read",
        "files_read_2",
        "files_read_3",
    ]


def test_a_name_of_nothing_or_of_too_much_is_one_the_vendor_takes() -> None:
    names = Names(NAME_CHARACTERS_MAX)

    assert names.of("") == "tool"
    assert names.of("é" * 500) == "_" * 128
    assert len(names.of("ü" * 500)) == 128


def test_an_id_that_was_used_before_is_another_one_the_second_time() -> None:
    ids = CallIds()

    assert [ids.next("call|1"), ids.next("call|1"), ids.next("")] == ["call_1", "call_1_2", "call"]
    assert len(ids.next("x" * 1000)) == ID_CHARACTERS_MAX


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ("", {}),
        (" ", {}),
        ('{"a": [1]}', {"a": [1]}),
        ('{"n": 1.0, "n": 2}', {"n": 2}),
        ("{city: Paris", {"INVALID_JSON": "{city: Paris"}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ('"x"', {"INVALID_JSON": '"x"'}),
        ('{"a": "\\ud83d"}', {"INVALID_JSON": '{"a": "\\ud83d"}'}),
        ("\ud83d", {"INVALID_JSON": "?"}),
        ("[" * 100_000, {"INVALID_JSON": "[" * 100_000}),
    ],
)
def test_arguments_are_an_object_whatever_the_model_wrote(arguments: str, sent: dict[str, Any]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(object_of(arguments))) == sent


def test_calls_of_an_answer_are_numbered_and_no_two_have_one_id() -> None:
    calls = OpenedCalls()

    first, second, third = calls.open("a", "weather"), calls.open("a", "clock", "{}"), calls.open(None, "x")

    assert first == ToolCallDelta(0, "", "a", "weather")
    assert (second.index, second.arguments, second.name) == (1, "{}", "clock")
    assert len({first.id, second.id, third.id} - {None, ""}) == len(calls) == 3


@pytest.mark.parametrize("name", ["", None])
def test_a_call_without_a_name_cannot_be_made(name: str | None) -> None:
    with pytest.raises(Failure, match="without a name"):
        _ = OpenedCalls().open("a", name)


def test_calls_come_to_an_end() -> None:
    calls = OpenedCalls()
    for _ in range(CALLS_MAX):
        _ = calls.open(None, "again")

    with pytest.raises(Failure, match=f"more than {CALLS_MAX} tool calls"):
        _ = calls.open(None, "again")
