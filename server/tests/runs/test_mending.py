"""Objects out of text that is not quite JSON."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.runs.mending import Mended, mended, object_in

MAX = 16 * 1024
PARIS: dict[str, Any] = {"city": "Paris"}


def test_an_object_is_read_as_it_is() -> None:
    assert object_in('{"city": "Paris"}') == PARIS


@pytest.mark.parametrize("text", ["", "null", "[1]", "5", '"text"', "{", '{"a": "\\ud800"}', "{" * 100_000])
def test_what_is_no_object_is_none(text: str) -> None:
    assert object_in(text) is None


@pytest.mark.parametrize("text", ["", "  \n", "null", '""', "```json\n```"])
def test_no_text_means_no_arguments(text: str) -> None:
    assert mended(text, MAX) == Mended({})


@pytest.mark.parametrize(
    "text",
    [
        '{"city": "Paris",}',
        "{'city': 'Paris'}",
        '{city: "Paris"}',
        '{"city": "Paris"',
        '```json\n{"city": "Paris"}\n```',
        '```\n{"city": "Paris",}```',
        'Here you are: {"city": "Paris"}',
        '{"city": "Paris"} <|end|>',
        '{"city": "Paris" // the capital\n}',
        msgspec.json.encode('{"city": "Paris"}').decode(),
        msgspec.json.encode("{'city': 'Paris',}").decode(),
    ],
)
def test_what_is_not_quite_json_is_mended(text: str) -> None:
    assert mended(text, MAX) == Mended(PARIS)


def test_a_line_break_within_a_text_is_kept() -> None:
    assert mended('{"code": "one\ntwo"}', MAX).value == {"code": "one\ntwo"}


@pytest.mark.parametrize("text", ["[1, 2]", "5", "true", msgspec.json.encode('"{}"').decode()])
def test_json_that_is_no_object_is_not_made_one(text: str) -> None:
    assert mended(text, MAX) == Mended(None, "they are JSON, and not an object")


@pytest.mark.parametrize(
    "text",
    ["Paris", "[1, 2", 'look_up(city="Paris")', '{"a": 1}{"b": 2}', '{"a": 1e400,}', '{"a": "\ud800"}'],
)
def test_what_means_no_object_says_why(text: str) -> None:
    found = mended(text, MAX)

    assert found.value is None
    assert found.problem


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ('{"code": "print(', True),
        ('{"code": "say \\"hi', True),
        ('{"code": "say \\"hi\\""', False),
        ('{"lines": ["one", "two"', False),
    ],
)
def test_a_text_that_was_cut_off_says_so(text: str, is_cut: bool) -> None:
    found = mended(text, MAX)

    assert found.value is not None
    assert found.is_cut is is_cut


def test_what_is_long_and_broken_is_not_mended() -> None:
    text = '{"code": "' + "x" * MAX

    found = mended(text, MAX)

    assert found.value is None
    assert "too long" in found.problem


def test_what_is_long_and_whole_needs_no_mending() -> None:
    text = msgspec.json.encode({"code": "x" * MAX}).decode()

    assert mended(f"```json\n{text}\n```", 0).value == {"code": "x" * MAX}


@pytest.mark.parametrize("unit", ['{"', "{'a", ",a]{*", "{{1,\\", "[" * 7, "`*{", '{"a":'])
def test_text_that_the_library_reads_again_and_again_is_given_up(unit: str) -> None:
    _ = mended("{" + unit * (MAX // len(unit) - 1), MAX)  # takes minutes, or ends in an error, if it is not


@given(st.text(alphabet="{}[]\"\\:,'a1 \n`", max_size=200))
def test_whatever_is_mended_is_an_object_of_json(text: str) -> None:
    value = mended(text, MAX).value

    assert value is None or object_in(msgspec.json.encode(value).decode()) == value
