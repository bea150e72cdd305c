"""Receipts as nouns: what they name, and how they are written."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from backboard_server.domain import receipts
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import Usage
from backboard_server.domain.receipts import AnyBlock, AnyDropped, Receipt, TokenEstimate

NEEDED: dict[str, Any] = {
    "model_provider": "local",
    "model_name": "quotes",
    "step": 1,
    "tokens": TokenEstimate(estimated=1, ratio=1.0, corrected=1, context_limit=9),
    "usage": Usage(),
}


def test_it_names_every_text_once_in_the_order_of_the_blocks() -> None:
    receipt = Receipt(
        **NEEDED,
        blocks=(
            receipts.SystemBlock(sha256="s"),
            receipts.ToolsBlock(sha256="t", names=()),
            receipts.SummaryBlock(sha256="m"),
            receipts.QuestionBlock(message_id=new_id()),
            receipts.RepairBlock(sha256="r"),
        ),
        dropped=(receipts.DroppedTools(reason="model_takes_none", names=(), sha256="d"),),
        response_format=receipts.FormAsked(name="shape", schema_sha256="f"),
    )

    assert [*receipt.texts()] == ["s", "t", "m", "r", "d", "f"]
    assert [*Receipt(**NEEDED, blocks=(), response_format=receipts.FormAsked(name="x")).texts()] == []


def test_it_names_the_messages_that_were_shown_in_their_order() -> None:
    first, second, third, fourth = (new_id() for _ in range(4))
    receipt = Receipt(
        **NEEDED,
        blocks=(
            receipts.SystemBlock(sha256="s"),
            receipts.HistoryBlock(message_ids=(first, second)),
            receipts.QuestionBlock(message_id=third),
            receipts.StepBlock(message_ids=(fourth,)),
        ),
        dropped=(receipts.DroppedMessages(reason="nothing_said", message_ids=(new_id(),)),),
    )

    assert [*receipt.message_ids()] == [first, second, third, fourth]


@pytest.mark.parametrize("union", [AnyBlock, AnyDropped])
def test_every_part_says_of_which_kind_it_is(union: Any) -> None:
    kinds = [kind.__struct_config__.tag for kind in get_args(union)]

    assert len({*kinds}) == len(kinds)
    assert {kind.__struct_config__.tag_field for kind in get_args(union)} == {"kind"}


def test_what_is_not_known_of_an_answer_takes_no_room() -> None:
    encoded = msgspec.json.encode(Receipt(**NEEDED, blocks=()))

    assert b"null" not in encoded.replace(b'"cost_usd":null', b"")
    assert msgspec.json.decode(encoded, type=Receipt) == Receipt(**NEEDED, blocks=())
