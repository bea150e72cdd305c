from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.prompts import Sidecar
from backboard_server.providers.wires.openai_chat.chunks import CallPiece, Saying
from backboard_server.providers.wires.openai_chat.sidecar import (
    SidecarDraft,
    extra_of_call,
    extra_of_message,
)


def _kept(*sayings: dict[str, Any], has_calls: bool = False) -> Sidecar | None:
    draft = SidecarDraft()
    for saying in sayings:
        draft.take(msgspec.convert(saying, Saying))
    return draft.whole(has_calls=has_calls)


def _detail(**fields: Any) -> dict[str, Any]:
    return {"reasoning_details": [fields]}


def test_pieces_of_one_detail_become_one_again_and_the_next_one_is_another() -> None:
    kept = _kept(
        _detail(type="reasoning.text", index=0, text="It is "),
        _detail(type="reasoning.text", index=0, text="June.", signature="seal"),
        _detail(type="reasoning.encrypted", index=1, data="abc"),
    )

    assert kept == {
        "openai_chat": {
            "reasoning_details": [
                {"type": "reasoning.text", "index": 0, "text": "It is June.", "signature": "seal"},
                {"type": "reasoning.encrypted", "index": 1, "data": "abc"},
            ]
        }
    }


def test_details_with_ids_of_their_own_stay_apart() -> None:
    kept = _kept(
        _detail(type="reasoning.text", index=0, id="one", text="It is June."),
        _detail(type="reasoning.text", index=0, id="two", text="It is hot."),
    )

    assert kept is not None
    assert [detail["text"] for detail in kept["openai_chat"]["reasoning_details"]] == [
        "It is June.",
        "It is hot.",
    ]


def test_thoughts_are_kept_beside_calls_alone() -> None:
    thoughts = ({"reasoning_content": "It is "}, {"reasoning_content": "June."})

    assert _kept(*thoughts) is None
    assert _kept(*thoughts, has_calls=True) == {"openai_chat": {"reasoning_content": "It is June."}}


def test_what_a_call_carries_is_kept_under_its_id() -> None:
    draft = SidecarDraft()
    draft.take_call(CallPiece(extra_content={"google": {"thought_signature": "seal"}}), "call_1")

    kept = draft.whole(has_calls=True)

    assert extra_of_call(kept, "call_1") == {"extra_content": {"google": {"thought_signature": "seal"}}}
    assert extra_of_call(kept, "call_2") == {}


def test_an_answer_with_nothing_to_keep_has_no_sidecar() -> None:
    assert _kept({"content": "Hi."}, has_calls=True) is None


@pytest.mark.parametrize("odd", ["all of it", 7, {"a": 1}, ["text", None, 1], [[{"a": 1}]]], ids=str)
def test_details_of_another_shape_cost_the_sidecar_and_not_the_answer(odd: Any) -> None:
    assert _kept({"content": "Hi.", "reasoning_details": odd}) is None
    draft = SidecarDraft()
    draft.take_call(msgspec.convert({"extra_content": odd}, CallPiece), "call_1")
    assert extra_of_message(draft.whole(has_calls=True)) == {}


@pytest.mark.parametrize("stored", [None, {}, {"gemini": {"a": 1}}, {"openai_chat": 7}, {"openai_chat": []}])
def test_a_sidecar_of_another_wire_or_shape_adds_nothing(stored: Any) -> None:
    assert extra_of_message(stored) == {}
    assert extra_of_call(stored, "call_1") == {}
