"""How the contexts of two answers differ."""

from __future__ import annotations

import json
from typing import Any

from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import Thinking, Usage
from backboard_server.domain.receipts import (
    AnyBlock,
    FilesBlock,
    HistoryBlock,
    QuestionBlock,
    Receipt,
    SeenFile,
    StepBlock,
    SystemBlock,
    TokenEstimate,
    ToolsBlock,
)
from backboard_server.runs.difference import difference, tools_in


def receipt(*blocks: AnyBlock, estimated: int = 1, **changes: Any) -> Receipt:
    fields: dict[str, Any] = {
        "model_provider": "openai",
        "model_name": "gpt-x",
        "step": 1,
        "tokens": TokenEstimate(estimated=estimated, ratio=1.0, corrected=estimated, context_limit=100),
        "usage": Usage(),
    }
    return Receipt(**(fields | changes), blocks=blocks)


def tools(digest: str, **described: str) -> tuple[ToolsBlock, dict[str, str]]:
    listed = [
        {"type": "function", "function": {"name": name, "description": text}}
        for name, text in described.items()
    ]
    return ToolsBlock(names=tuple(described), sha256=digest), {digest: json.dumps(listed)}


def test_the_same_context_has_no_difference() -> None:
    block, texts = tools("a", look="Looks.")
    same = receipt(SystemBlock(sha256="s"), block, QuestionBlock(message_id=new_id()), estimated=7)

    found = difference(same, same, texts)

    assert not found.system_prompt_changed
    assert [found.tools_added, found.tools_removed, found.tools_changed, found.options_changed] == [[]] * 4
    assert [found.messages_added, found.messages_removed, found.files_added, found.files_removed] == [[]] * 4
    assert (found.tokens_before, found.tokens_after) == (7, 7)


def test_tools_are_added_removed_and_described_otherwise() -> None:
    before, texts = tools("a", look="Looks.", hear="Hears.")
    after, more = tools("b", look="Looks far.", smell="Smells.")

    found = difference(receipt(before), receipt(after), texts | more)

    assert (found.tools_added, found.tools_removed, found.tools_changed) == (["smell"], ["hear"], ["look"])


def test_a_system_prompt_may_come_go_and_change() -> None:
    bare, kind, rude = receipt(), receipt(SystemBlock(sha256="k")), receipt(SystemBlock(sha256="r"))

    assert difference(bare, kind, {}).system_prompt_changed
    assert difference(kind, bare, {}).system_prompt_changed
    assert difference(kind, rude, {}).system_prompt_changed


def test_messages_of_every_block_count() -> None:
    early, question, stub = new_id(), new_id(), new_id()
    before = receipt(HistoryBlock(message_ids=(early,)), QuestionBlock(message_id=question))
    after = receipt(QuestionBlock(message_id=question), StepBlock(message_ids=(stub,)))

    found = difference(before, after, {})

    assert (found.messages_added, found.messages_removed) == ([stub], [early])


def test_files_go_by_their_documents() -> None:
    seen = SeenFile(document_id=new_id(), filename="a.png", kind="image")

    found = difference(receipt(), receipt(FilesBlock(files=(seen,))), {})

    assert (found.files_added, found.files_removed) == ([seen.document_id], [])


def test_what_was_asked_of_the_model_is_named() -> None:
    found = difference(receipt(), receipt(thinking=Thinking(effort="low")), {})

    assert found.options_changed == ["thinking"]


def test_tools_whose_text_is_gone_are_none() -> None:
    assert tools_in({}, "gone") == []
