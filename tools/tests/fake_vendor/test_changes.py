from __future__ import annotations

from typing import Any

import pytest

from fake_vendor import Answer, CalledTool, Change, Counting, Fault, Tokens
from fake_vendor.changes import can_change, changed_body, changed_frames, encoded
from fake_vendor.dialects.openai_chat import OpenAIChat
from fake_vendor.script import AnyFault
from fake_vendor.terms import Asked, Frame

OPENAI = OpenAIChat()
ASKED = Asked("m", stream=True, body={"stream_options": {"include_usage": True}})
ANSWER = Answer(text="one two", usage=Tokens(3, 4))
KINDS = ["opening", "text", "text", "final", "usage", "mark"]


def _frames(fault: AnyFault, answer: Answer = ANSWER) -> list[Frame]:
    return changed_frames(fault, OPENAI.frames(answer, ASKED), ASKED, OPENAI)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (Change(how="repeat", kind="final"), ["opening", "text", "text", "final", "final", "usage", "mark"]),
        (Change(how="drop", kind="text"), ["opening", "final", "usage", "mark"]),
        (Change(how="late", kind="opening"), ["text", "text", "final", "usage", "mark", "opening"]),
        (Change(how="early", kind="final"), ["final", "opening", "text", "text", "usage", "mark"]),
        (Change(how="insert", kind="final"), ["opening", "text", "text", "final", "final", "usage", "mark"]),
        (Change(how="crlf"), KINDS),
    ],
)
def test_frames_are_repeated_left_out_and_moved(change: Change, kinds: list[str]) -> None:
    assert [frame.kind for frame in _frames(change)] == kinds


def test_what_is_replaced_keeps_its_place() -> None:
    assert [frame.payload for frame in _frames(Change(how="replace", kind="text", payload=7))][1:3] == [7, 7]
    assert changed_body(Change(how="replace", payload=[]), {"a": 1}) == []


def test_bytes_that_are_no_frame_stand_before_the_frame_that_they_are_meant_for() -> None:
    frames = OPENAI.frames(ANSWER, ASKED)

    pieces = encoded(Change(how="raw", kind="final", raw=b"garbage"), frames, OPENAI)

    assert pieces.index(b"garbage") == 3
    assert len(pieces) == len(frames) + 1


def test_lines_may_end_as_windows_ends_them() -> None:
    pieces = encoded(Change(how="crlf"), OPENAI.frames(ANSWER, ASKED), OPENAI)

    assert all(content.endswith(b"\r\n\r\n") for content in pieces)


@pytest.mark.parametrize(
    ("counting", "usage"),
    [
        (Counting(value="many"), "many"),
        (
            Counting(value=-1, of_each=True),
            {
                "prompt_tokens": -1,
                "completion_tokens": -1,
                "total_tokens": -1,
                "prompt_tokens_details": {"cached_tokens": -1},
                "completion_tokens_details": {"reasoning_tokens": -1},
            },
        ),
    ],
)
def test_usage_is_replaced_as_a_whole_or_number_by_number(counting: Counting, usage: Any) -> None:
    assert _frames(counting)[-2].payload["usage"] == usage
    assert changed_body(counting, OPENAI.body(ANSWER, ASKED))["usage"] == usage


def test_a_change_needs_something_to_change() -> None:
    frames = OPENAI.frames(ANSWER, ASKED)

    assert can_change(Change(how="drop", kind="text"), frames, OPENAI)
    assert not can_change(Change(how="drop", kind="tool"), frames, OPENAI)
    assert not can_change(Change(how="drop"), None, OPENAI)
    assert can_change(Change(how="replace"), None, OPENAI)
    assert can_change(Counting(), frames, OPENAI)
    assert not can_change(Counting(), frames[:2], OPENAI)


def test_pieces_of_calls_come_in_reverse_order_of_the_calls() -> None:
    calls = (CalledTool("first"), CalledTool("second"))

    frames = _frames(Fault.OUT_OF_ORDER_INDEX, Answer(tool_calls=calls))

    assert [frame.call for frame in frames if frame.call is not None] == [1, 1, 1, 0, 0, 0]


def test_a_second_final_comes_after_the_first_and_before_the_marks() -> None:
    kinds = [frame.kind for frame in _frames(Fault.TWO_FINALS)]

    assert kinds == ["opening", "text", "text", "final", "usage", "text", "final", "mark"]
