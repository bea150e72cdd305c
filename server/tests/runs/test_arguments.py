"""The calls of an answer, held against the tools that were offered."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec
import pytest

from backboard_server.domain.prompts import ToolCall
from backboard_server.runs.arguments import (
    FLAWS_TOLD_MAX,
    MENDED_CHARACTERS_MAX,
    CallFlaw,
    CheckedCalls,
    check_calls,
    draw_call_id,
    repair_request,
)
from backboard_server.runs.schemas import PROBLEMS_MAX

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "days": {"type": "integer", "minimum": 1},
        "units": {"enum": ["C", "F"]},
    },
    "required": ["city"],
}


def _tool(name: str, parameters: object = PARAMETERS) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = (_tool("weather"), {"type": "function", "function": {"name": "now"}})


def _check(arguments: str, name: str = "weather", tool: dict[str, Any] | None = None) -> CheckedCalls:
    return check_calls([ToolCall("call_1", name, arguments)], [tool] if tool else TOOLS)


def _fatal(sentence: str, name: str = "weather") -> CallFlaw:
    return CallFlaw("call_1", name, sentence, is_fatal=True)


@pytest.mark.parametrize(
    "arguments",
    ['{"city":"Paris"}', '{ "city": "Paris",\n "days": 3.0 }', '{"city": "\\u00c9vry", "extra": [1e2]}'],
)
def test_a_call_that_is_in_order_stays_to_the_letter(arguments: str) -> None:
    checked = _check(arguments)

    assert checked == CheckedCalls((ToolCall("call_1", "weather", arguments),))
    assert checked.calls[0].arguments is arguments


@pytest.mark.parametrize(
    "arguments",
    [
        '{"city": "Paris", "days": 3,}',
        "{'city': 'Paris', 'days': 3}",
        '```json\n{"city": "Paris", "days": 3}\n```',
        '{"city": "Paris", "days": 3',
        '{"city": "Paris", "days": "3"}',
        msgspec.json.encode('{"city": "Paris", "days": 3}').decode(),
    ],
)
def test_what_can_be_put_right_is(arguments: str) -> None:
    checked = _check(arguments)

    assert checked == CheckedCalls((ToolCall("call_1", "weather", '{"city":"Paris","days":3}'),))


@pytest.mark.parametrize("arguments", ["", " ", "null"])
def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    assert _check(arguments, "now") == CheckedCalls((ToolCall("call_1", "now", "{}"),))


@pytest.mark.parametrize("arguments", ["Paris", "[1]", '"Paris"', '{"a": 1}{"b": 2}'])
def test_arguments_that_mean_no_object_are_fatal_and_stay_as_they_are(arguments: str) -> None:
    checked = _check(arguments)

    (flaw,) = checked.flaws
    assert flaw.is_fatal
    assert flaw.sentence.startswith("its arguments are no JSON object: ")
    assert checked.calls[0].arguments == arguments
    assert checked.fatal_ids == {"call_1"}


def test_a_required_parameter_that_is_missing_is_fatal_and_told_once() -> None:
    assert _check("{}").flaws == (_fatal("its parameter city is required"),)


def test_a_tool_that_was_not_offered_is_held_to_json_alone() -> None:
    checked = _check("{'at': 1}", "wether")

    assert (checked.calls[0].arguments, checked.flaws) == ('{"at":1}', ())


def test_a_call_where_there_are_no_tools_is_fatal() -> None:
    assert check_calls([ToolCall("call_1", "weather", "{}")], []).flaws == (
        _fatal("there are no tools to call"),
    )


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ('{"city": ""}', "at city: "),
        ('{"city": "Paris", "days": "0"}', "at days: 0 is less than the minimum of 1"),
        ('{"city": "Paris", "days": "soon"}', 'at days: "soon" is not of type "integer"'),
        ('{"city": "Paris", "units": "K"}', "at units: "),
        ('{"city": "Par', "in the middle of a text"),
    ],
)
def test_what_else_the_schema_forbids_is_worth_asking_again(arguments: str, part: str) -> None:
    checked = _check(arguments)

    (flaw,) = checked.flaws
    assert part in flaw.sentence
    assert not flaw.is_fatal
    assert checked.fatal_ids == frozenset()


def test_what_is_wrong_with_one_call_is_told_in_a_few_sentences() -> None:
    required = [f"parameter_{number}" for number in range(100)]
    properties = {name: {"type": "integer"} for name in required}
    tool = _tool("weather", {"type": "object", "properties": properties, "required": required})
    wrong = msgspec.json.encode(dict.fromkeys(required, "x")).decode()

    assert len(_check("{}", tool=tool).flaws) == PROBLEMS_MAX
    assert len(_check(wrong, tool=tool).flaws) == PROBLEMS_MAX


@pytest.mark.parametrize(
    "flaw", [{"type": "nonsense"}, {"pattern": "(?=a)"}, {"$ref": "https://example.com/x"}]
)
def test_of_a_schema_that_cannot_be_checked_the_required_parameters_are(flaw: dict[str, Any]) -> None:
    tool = _tool("weather", {"properties": {"days": flaw}, "required": ["city", 5]})

    assert _check('{"city": 5, "days": "3"}', tool=tool).flaws == ()
    assert _check('{"days": 3}', tool=tool).flaws == (_fatal("its parameter city is required"),)


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object", "properties": {}, "required": None}])
def test_a_tool_without_parameters_takes_any_object(parameters: object) -> None:
    assert _check('{"any": 1}', tool=_tool("weather", parameters)).flaws == ()


def test_arguments_that_are_nested_too_deep_to_be_checked_say_so() -> None:
    deep = '{"city": "Paris", "units": ' + "[" * 300 + "]" * 300 + "}"

    (flaw,) = _check(deep).flaws

    assert "limit" in flaw.sentence


def test_ids_that_are_empty_or_used_become_others() -> None:
    numbers = count()
    calls = [ToolCall(call_id, "now", "{}") for call_id in ("a", "", "a", "b", "old", "b")]

    checked = check_calls(calls, TOOLS, used_ids={"old"}, draw_id=lambda: f"new_{next(numbers)}")

    assert [call.id for call in checked.calls] == ["a", "new_0", "new_1", "b", "new_2", "new_3"]


def test_a_flaw_names_its_call_by_the_id_that_it_has_now() -> None:
    checked = check_calls([ToolCall("", "weather", "{}")], TOOLS, draw_id=lambda: "call_x")

    assert checked.fatal_ids == {checked.calls[0].id} == {"call_x"}


def test_an_id_that_is_drawn_looks_like_those_of_vendors() -> None:
    first, second = draw_call_id(), draw_call_id()

    assert first != second
    assert first.startswith("call_")
    assert len(first) == len("call_") + 24


def test_every_call_is_checked_in_its_order() -> None:
    calls = [
        ToolCall("1", "now", "{}"),
        ToolCall("2", "weather", "{}"),
        ToolCall("3", "weather", "{'city': 'Paris'}"),
    ]

    checked = check_calls(calls, TOOLS)

    assert [call.arguments for call in checked.calls] == ["{}", "{}", '{"city":"Paris"}']
    assert checked.fatal_ids == {"2"}


def test_no_more_is_mended_than_one_answer_may_take() -> None:
    broken = '{"city": "' + "x" * (MENDED_CHARACTERS_MAX // 2) + '",}'
    calls = [ToolCall(str(number), "weather", broken) for number in range(3)]

    assert check_calls(calls, TOOLS).fatal_ids == {"1", "2"}


def test_the_model_is_asked_again_with_what_is_wrong() -> None:
    words = repair_request(_check("{}").flaws)

    assert "- weather: its parameter city is required\n" in words


def test_the_words_are_few_whatever_the_model_called() -> None:
    flaws = [CallFlaw("1", "x" * 100_000, "there is no such tool", is_fatal=True)] * (FLAWS_TOLD_MAX + 7)

    words = repair_request(flaws)

    assert "- and 7 more" in words
    assert len(words) < 4_000
