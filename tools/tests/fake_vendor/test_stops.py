from __future__ import annotations

import pytest

from fake_vendor import Answer, Fault, Stop
from fake_vendor.dialects.openai_chat import OpenAIChat
from fake_vendor.steps import LAST_PIECE, Cut, Hang, Step, piece
from fake_vendor.stops import (
    body_stop_of,
    can_stop,
    end_of_stream,
    kept,
    shortened_body,
    shortened_stream,
    stop_of,
)
from fake_vendor.terms import Asked

OPENAI = OpenAIChat()
ASKED = Asked("m", stream=True)
FRAMES = OPENAI.frames(Answer(text="one two three", reasoning="hm"), ASKED)


def test_a_stop_has_kept_what_was_said_up_to_the_last_frame_of_its_kind() -> None:
    said, following = kept(Stop(how="end", after="text"), FRAMES)

    assert [frame.kind for frame in said] == ["opening", "reasoning", "text", "text", "text"]
    assert following is not None
    assert following.kind == "final"


def test_a_stop_after_the_opening_is_after_the_first_of_it() -> None:
    frames = [FRAMES[0], *FRAMES]

    assert len(kept(Stop(how="end", after="opening"), frames)[0]) == 1


def test_a_stop_without_a_place_is_in_the_middle() -> None:
    assert len(kept(Stop(how="end"), FRAMES)[0]) == 3


def test_there_is_no_stop_after_what_is_not_said() -> None:
    assert can_stop(Stop(how="end", after="text"), FRAMES)
    assert not can_stop(Stop(how="end", after="tool"), FRAMES)
    assert not can_stop(Stop(how="end", after="text"), None)
    assert can_stop(Stop(how="end", share=0.5), None)


@pytest.mark.parametrize(
    ("stop", "last"),
    [
        (Stop(how="end"), LAST_PIECE),
        (Stop(how="hang"), Hang()),
        (Stop(how="close"), Cut("close")),
        (Stop(how="reset"), Cut("reset")),
    ],
)
def test_a_response_ends_in_the_way_of_its_stop(stop: Stop, last: Step) -> None:
    assert list(end_of_stream(stop, FRAMES[-1], ASKED, OPENAI)) == [last]
    assert list(shortened_stream(stop, b"data: 1")) == [last]


def test_a_part_of_a_frame_may_follow() -> None:
    in_json, _ = end_of_stream(Stop(how="end", inside="json"), FRAMES[1], ASKED, OPENAI)
    in_character, _ = end_of_stream(Stop(how="end", inside="character"), FRAMES[1], ASKED, OPENAI)

    assert isinstance(in_json, bytes)
    assert b"reasoning_content" in in_json
    assert not in_json.endswith(b"}")
    assert isinstance(in_character, bytes)
    assert in_character.endswith(b"\xc3\r\n")


def test_a_share_is_counted_in_bytes() -> None:
    assert next(shortened_stream(Stop(how="end", share=0.5), b"12345678")) == piece(b"1234")


def test_a_plain_answer_stops_short_of_the_length_that_it_promised_unless_it_ends_in_order() -> None:
    (ended,) = shortened_body(Stop(how="end", share=0.5), b"12345678")
    broken, cut = shortened_body(Stop(how="close", share=0.5), b"12345678")

    assert isinstance(ended, bytes)
    assert isinstance(broken, bytes)
    assert b"Content-Length: 4\r\n" in ended
    assert b"Content-Length: 8\r\n" in broken
    assert broken.endswith(b"\r\n1234")
    assert cut == Cut("close")


def test_the_faults_that_are_stops_are_known() -> None:
    assert stop_of(Fault.TRUNCATED) == Stop(how="end")
    assert stop_of(Fault.HTML) is None
    assert body_stop_of(Fault.TRUNCATED_MID_JSON) == Stop(how="end")
