from __future__ import annotations

import pytest

from backboard_server.domain.prompts import ToolCallDelta
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.openai_chat.calls import CALLS_MAX, Calls
from backboard_server.providers.wires.openai_chat.chunks import CalledFunction, CallPiece


def _piece(
    index: int | None, call_id: str | None = None, name: str | None = None, arguments: str | None = None
) -> CallPiece:
    return CallPiece(index, call_id, CalledFunction(name, arguments))


def _take(*pieces: CallPiece) -> list[ToolCallDelta]:
    calls = Calls()
    deltas = [delta for piece in pieces for delta in calls.take(piece)]
    calls.check()
    return deltas


def test_pieces_of_parallel_calls_are_told_apart_by_their_index() -> None:
    deltas = _take(
        _piece(0, "a", "first", ""),
        _piece(1, "b", "second", ""),
        _piece(0, None, None, "{}"),
        _piece(1, None, None, "[]"),
    )

    assert deltas == [
        ToolCallDelta(0, "", "a", "first"),
        ToolCallDelta(1, "", "b", "second"),
        ToolCallDelta(0, "{}"),
        ToolCallDelta(1, "[]"),
    ]


def test_calls_are_numbered_in_the_order_in_which_they_begin() -> None:
    assert [delta.index for delta in _take(_piece(7, "a", "first"), _piece(3, "b", "second"))] == [0, 1]


@pytest.mark.parametrize("index", [0, None])
def test_calls_that_share_an_index_or_have_none_are_told_apart_by_id(index: int | None) -> None:
    deltas = _take(
        _piece(index, "a", "first", "{"), _piece(index, None, None, "}"), _piece(index, "b", "second", "{}")
    )

    assert deltas == [
        ToolCallDelta(0, "{", "a", "first"),
        ToolCallDelta(0, "}"),
        ToolCallDelta(1, "{}", "b", "second"),
    ]


def test_a_host_that_repeats_id_and_name_in_every_piece_makes_one_call() -> None:
    deltas = _take(_piece(0, "a", "first", "{"), _piece(0, "a", "first", "}"))

    assert deltas == [ToolCallDelta(0, "{", "a", "first"), ToolCallDelta(0, "}")]


def test_arguments_before_the_name_wait_for_it() -> None:
    deltas = _take(_piece(0, "a", None, "{"), _piece(0, None, "late", "}"))

    assert deltas == [ToolCallDelta(0, "{}", "a", "late")]


def test_a_missing_or_repeated_id_is_made_up_and_unique() -> None:
    deltas = _take(_piece(0, None, "first"), _piece(1, "same", "second"), _piece(2, "same", "third"))

    assert len({delta.id for delta in deltas}) == 3
    assert deltas[1].id == "same"


def test_each_call_of_a_plain_answer_is_its_own() -> None:
    calls = Calls()

    deltas = [delta for name in ("first", "second") for delta in calls.add(_piece(None, None, name, "{}"))]

    assert [delta.index for delta in deltas] == [0, 1]
    assert len(calls) == 2


def test_a_call_that_never_gets_a_name_is_malformed() -> None:
    with pytest.raises(Failure, match="without a name"):
        _take(_piece(0, "a", None, "{}"), CallPiece(0))


def test_there_is_a_limit_to_the_calls_of_one_answer() -> None:
    with pytest.raises(Failure, match=f"more than {CALLS_MAX} tool calls"):
        _take(*(_piece(index, None, "again") for index in range(CALLS_MAX + 1)))
