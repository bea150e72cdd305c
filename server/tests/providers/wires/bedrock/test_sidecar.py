from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from backboard_server.domain.prompts import PromptMessage
from backboard_server.providers.wires.bedrock.sidecar import KEPT_CHARACTERS_MAX, SidecarDraft, replayed

CLAUDE, OPENAI, NOVA = "us.anthropic.claude-sonnet-4-6", "us.openai.gpt-5.6", "amazon.nova-pro-v1:0"
CALL: dict[str, Any] = {"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "seal"}}}
ENCRYPTED = b64encode(b"secret").decode()


def _sidecar(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"bedrock": {"blocks": list(blocks)}}


def _replayed(content: str, sidecar: Any, calls: dict[str, Any] | None = None, model: str = CLAUDE) -> Any:
    return replayed(PromptMessage("assistant", content, sidecar=sidecar), calls or {}, model)


def test_what_is_kept_comes_back_in_its_order() -> None:
    draft = SidecarDraft()
    draft.think(0, "Hm", None)
    draft.think(0, ".", "seal")
    draft.say(1, "Let me ")
    draft.say(1, "see.")
    draft.hide(2, ENCRYPTED)
    draft.call(3, "a")
    draft.say(4, "Done.")

    blocks = _replayed("Let me see.Done.", draft.whole(), {"a": CALL})

    assert blocks == [
        THOUGHT,
        {"text": "Let me see."},
        {"reasoningContent": {"redactedContent": ENCRYPTED}},
        CALL,
        {"text": "Done."},
    ]


def test_without_a_seal_there_is_nothing_to_keep() -> None:
    draft = SidecarDraft()
    draft.think(0, "Hm.", None)
    draft.say(1, "Hi.")
    draft.call(2, "a")

    assert draft.whole() is None
    assert SidecarDraft().whole() is None


def test_more_than_a_history_should_hold_is_not_kept() -> None:
    draft = SidecarDraft()
    draft.think(0, "x" * (KEPT_CHARACTERS_MAX + 1), "seal")

    assert draft.whole() is None


def test_encrypted_pieces_that_are_no_base64_are_not_kept() -> None:
    draft = SidecarDraft()
    draft.hide(0, "not base64!")

    assert draft.whole() is None


def test_a_thought_whose_text_was_left_out_goes_back_with_its_seal() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "", "signature": "seal"}}}

    assert _replayed("Hi.", _sidecar({"signature": "seal"}, {"characters": 3})) == [thought, {"text": "Hi."}]


@pytest.mark.parametrize(("model", "count"), [(CLAUDE, 3), (OPENAI, 2), (NOVA, 1)])
def test_another_maker_gets_no_thoughts_that_it_would_refuse(model: str, count: int) -> None:
    sidecar = _sidecar({"reasoning": "Hm.", "signature": "seal"}, {"redacted": ENCRYPTED}, {"characters": 3})

    assert len(_replayed("Hi.", sidecar, model=model)) == count


@pytest.mark.parametrize(
    ("content", "calls"),
    [("Hi, changed.", {"a": CALL}), ("Hi", {}), ("Hi.", {"a": CALL, "b": CALL}), ("Hi.", {"b": CALL})],
)
def test_a_history_that_was_changed_is_not_replayed(content: str, calls: dict[str, Any]) -> None:
    sidecar = _sidecar({"signature": "seal"}, {"characters": 3}, {"call": "a"})

    assert _replayed(content, sidecar, calls) is None


@pytest.mark.parametrize(
    "sidecar",
    [
        None,
        {},
        {"anthropic": {}},
        {"bedrock": None},
        {"bedrock": []},
        {"bedrock": {}},
        {"bedrock": {"blocks": None}},
        {"bedrock": {"blocks": [7]}},
        {"bedrock": {"blocks": [{"characters": "3"}]}},
        {"bedrock": {"blocks": [{"unknown": 1}]}},
    ],
)
def test_a_sidecar_of_another_shape_is_ignored(sidecar: Any) -> None:
    assert _replayed("Hi.", sidecar) is None


def test_blank_text_between_blocks_is_left_out() -> None:
    sidecar = _sidecar({"signature": "s"}, {"characters": 2}, {"call": "a"})

    assert len(_replayed("\n\n", sidecar, {"a": CALL})) == 2
