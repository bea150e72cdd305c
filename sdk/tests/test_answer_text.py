from __future__ import annotations

from typing import Any

from backboard._answer_text import AnswerText
from backboard.events import event_from


def told(*events: dict[str, Any]) -> list[str]:
    """What each event adds to the text."""
    text = AnswerText()
    return [text.add(event_from(event, None)) for event in events]


def piece(content: str) -> dict[str, Any]:
    return {"type": "content_streaming", "content": content}


def start(message_id: str) -> dict[str, Any]:
    return {"type": "message_start", "message_id": message_id}


def resync(content: str | None) -> dict[str, Any]:
    return {"type": "resync", "content": content, "reason": "expired"}


def test_only_content_is_text() -> None:
    assert told(start("m"), {"type": "reasoning_streaming", "content": "Hm"}, piece("Hi")) == ["", "", "Hi"]


def test_a_resync_adds_what_was_missed() -> None:
    assert told(piece("Hel"), resync("Hello, w"), piece("orld")) == ["Hel", "lo, w", "orld"]


def test_a_resync_that_brings_nothing_adds_nothing() -> None:
    assert told(piece("Hel"), resync("Hel"), piece("lo"), resync("Hello")) == ["Hel", "", "lo", ""]


def test_an_answer_that_has_become_another_one_is_told_from_its_beginning() -> None:
    assert told(piece("Hel"), resync("Good"), piece(" day"), resync("Good day")) == [
        "Hel",
        "Good",
        " day",
        "",
    ]
    assert told(piece("Hel"), resync(None), piece("Good")) == ["Hel", "", "Good"]


def test_a_run_that_goes_on_says_anew() -> None:
    goes_on = {"type": "run_continuing", "phase": "tool_outputs"}

    assert told(piece("One"), goes_on, piece("Two"), resync("Two and")) == ["One", "", "Two", " and"]


def test_all_answers_of_a_run_are_one_text() -> None:
    assert told(start("a"), piece("On"), start("b"), resync("One")) == ["", "On", "", "e"]
