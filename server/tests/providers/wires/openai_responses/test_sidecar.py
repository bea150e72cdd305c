from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.prompts import PromptMessage, ToolCall
from backboard_server.providers.wires.openai_responses.sidecar import Kept, kept_of, sidecar_of

THOUGHT = Kept("reasoning", "rs_1", "sealed")
SAID = Kept("message", "msg_1", characters=2)
CALL = Kept("function_call", "fc_1", call_id="call_1")
CALLS = (ToolCall("call_1", "look_up", "{}"),)


def _message(content: str, stored: object, calls: tuple[ToolCall, ...] = ()) -> PromptMessage:
    return PromptMessage("assistant", content, calls, sidecar={"openai_responses": stored})


def test_what_is_kept_comes_back() -> None:
    items = [THOUGHT, SAID, CALL]
    sidecar = sidecar_of(items)

    assert sidecar is not None
    assert kept_of(PromptMessage("assistant", "Hi", CALLS, sidecar=sidecar)) == items


def test_two_messages_of_one_answer_have_a_gap_between_them() -> None:
    sidecar = sidecar_of([THOUGHT, SAID, SAID])

    assert sidecar is not None
    assert kept_of(_message("Hi\n\nHo", sidecar["openai_responses"])) == [THOUGHT, SAID, SAID]


@pytest.mark.parametrize("items", [[], [SAID], [SAID, CALL], [SAID, THOUGHT], [THOUGHT, THOUGHT]])
def test_nothing_is_kept_of_an_answer_that_its_text_and_calls_tell(items: list[Kept]) -> None:
    assert sidecar_of(items) is None


def test_the_phase_of_a_message_is_kept() -> None:
    assert sidecar_of([Kept("message", "msg_1", phase="commentary", characters=2)]) is not None


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        "x",
        {"type": "reasoning"},
        [{"type": "web_search_call"}],
        [{"type": "message", "characters": "two"}],
        [{"type": "message", "characters": 3}],
        [{"type": "message", "characters": 5}, {"type": "message", "characters": -3}],
        [{"type": "message", "characters": 2}, {"type": "function_call", "call_id": "call_1"}],
    ],
)
def test_a_sidecar_that_does_not_fit_its_message_is_ignored(stored: Any) -> None:
    assert kept_of(_message("Hi", stored)) is None


def test_a_message_without_a_sidecar_or_with_anothers_has_nothing_kept() -> None:
    assert kept_of(PromptMessage("assistant", "Hi")) is None
    assert kept_of(PromptMessage("assistant", "Hi", sidecar={"anthropic": []})) is None
