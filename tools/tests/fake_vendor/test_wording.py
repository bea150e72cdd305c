from __future__ import annotations

import pytest

from fake_vendor import Answer, CalledTool, Tokens
from fake_vendor.terms import Asked
from fake_vendor.wording import argument_pieces, call_id, pieces, text_of, text_pieces, tokens_of

ASKED = Asked("m", last_user_text="Where is Paris?", words=7)
CALL = CalledTool("look_up")


def test_without_a_text_the_answer_echoes_the_last_user_message() -> None:
    assert text_of(Answer(), ASKED) == "You said: Where is Paris?"


def test_an_answer_of_tool_calls_alone_has_no_text() -> None:
    assert text_of(Answer(tool_calls=(CALL,)), ASKED) is None
    assert text_of(Answer(tool_calls=(CALL,), text="I look it up."), ASKED) == "I look it up."


@pytest.mark.parametrize("count", [1, 3, 7, 50])
def test_a_text_is_cut_into_as_many_pieces_as_asked_and_joins_to_the_whole(count: int) -> None:
    answer = Answer(text="A sentence of words.", chunks=count)

    assert len(text_pieces(answer, ASKED)) == count
    assert "".join(text_pieces(answer, ASKED)) == text_of(answer, ASKED)


def test_left_to_itself_a_text_is_cut_into_words() -> None:
    assert pieces("one two three") == ["one", " two", " three"]
    assert pieces("") == []


def test_arguments_come_in_two_pieces_or_more() -> None:
    assert argument_pieces('{"a": 1}') == ['{"a"', ": 1}"]


def test_arguments_are_cut_into_as_many_pieces_as_asked_and_never_into_empty_ones() -> None:
    assert argument_pieces('{"a": 1}', 4) == ['{"', 'a"', ": ", "1}"]
    assert argument_pieces("{}", 50) == ["{", "}"]


def test_words_are_counted_where_no_usage_is_scripted() -> None:
    assert tokens_of(Answer(text="In France."), ASKED) == Tokens(prompt=7, completion=2)
    assert tokens_of(Answer(usage=Tokens(prompt=1)), ASKED) == Tokens(prompt=1)


def test_a_call_without_an_id_gets_one_by_its_number() -> None:
    assert call_id(3, CALL) == "call_3"
    assert call_id(3, CalledTool("look_up", id="mine")) == "mine"
