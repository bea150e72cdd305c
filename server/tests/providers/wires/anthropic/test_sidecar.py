from __future__ import annotations

from typing import Any

import pytest

from backboard_server.providers.wires.anthropic.sidecar import (
    Kept,
    KeptBlock,
    is_same_model,
    kept_of,
    sidecar_of,
)

BLOCKS = [
    KeptBlock("thinking", thinking="Hm.", signature="s"),
    KeptBlock("text", length=5),
    KeptBlock("redacted_thinking", data="d"),
    KeptBlock("tool_use"),
]


def test_what_is_kept_comes_back_and_holds_no_text_of_the_answer() -> None:
    sidecar = sidecar_of(BLOCKS, "claude-opus-4-6")

    assert sidecar == {
        "anthropic": {
            "model": "claude-opus-4-6",
            "blocks": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "text", "length": 5},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "tool_use"},
            ],
        }
    }
    assert kept_of(sidecar) == Kept(BLOCKS, "claude-opus-4-6")


def test_an_answer_without_thoughts_needs_no_sidecar() -> None:
    assert sidecar_of([KeptBlock("text", length=5), KeptBlock("tool_use")], "m") is None


SHAPES: list[dict[str, Any] | None] = [
    None,
    {},
    {"gemini": {}},
    {"anthropic": None},
    {"anthropic": "thoughts"},
    {"anthropic": {"blocks": [{"type": "thinking", "thinking": 1}]}},
    {"anthropic": {"blocks": [{"type": "image"}]}},
]


@pytest.mark.parametrize("sidecar", SHAPES)
def test_a_sidecar_of_another_shape_is_none(sidecar: dict[str, Any] | None) -> None:
    assert kept_of(sidecar) is None


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", True),
        ("claude-opus-4-20250514", "claude-opus-4-0", True),
        ("claude-opus-4-6", "anthropic/claude-opus-4.6", True),
        (None, "claude-opus-4-6", True),
        ("claude-opus-4-6", "claude-opus-4-7", False),
        ("claude-opus-4-6", "claude-sonnet-4-6", False),
        ("claude-opus-4-6", "MiniMax-M2", False),
        ("MiniMax-M2", "MiniMax-M2.5", True),
    ],
)
def test_a_signature_holds_for_one_model_whatever_its_alias(
    one: str | None, other: str, is_same: bool
) -> None:
    assert is_same_model(one, other) == is_same
