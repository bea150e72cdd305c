"""A past turn, put together again from its receipt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import RunOptions
from backboard_server.domain.prompts import ModelChoice, ResponseFormat, Thinking, ToolCall, ToolChoice, Usage
from backboard_server.domain.receipts import (
    DroppedFile,
    DroppedHistory,
    DroppedTools,
    FilesBlock,
    FormAsked,
    HistoryBlock,
    QuestionBlock,
    Receipt,
    ReceiptedAnswer,
    ReplayMessage,
    SeenFile,
    SummaryBlock,
    SystemBlock,
    TokenEstimate,
    ToolsBlock,
)
from backboard_server.domain.threads import HistoryFile, HistoryMessage
from backboard_server.runs.context import assemble
from backboard_server.runs.past_turn import files_of, question_of, restored
from backboard_server.store.receipts import PastTurn
from receipt_runs import LOOK, said

PLENTY = 10_000
REQUEST = ReplayMessage(thread_id=new_id(), message_id=new_id())
TEXTS = {
    "s": "Be kind.",
    "t": '[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]',
    "m": "They met.",
    "f": '{"type":"object"}',
}


def receipt(*blocks: Any, ratio: float = 1.0, **changes: Any) -> Receipt:
    fields: dict[str, Any] = {
        "model_provider": "openai",
        "model_name": "gpt-x",
        "step": 1,
        "tokens": TokenEstimate(estimated=1, ratio=ratio, corrected=1, context_limit=100),
        "usage": Usage(),
    }
    return Receipt(**(fields | changes), blocks=blocks)


def answered(made: Receipt) -> ReceiptedAnswer:
    return ReceiptedAnswer(
        message_id=new_id(),
        thread_id=new_id(),
        assistant_id=new_id(),
        run_id=new_id(),
        status="COMPLETED",
        content="Hi",
        reasoning=None,
        tool_calls=(),
        created_at=datetime.now(UTC),
        receipt=made,
        texts=TEXTS,
        messages={},
    )


def read(*history: HistoryMessage, files: tuple[HistoryFile, ...] = (), **changes: Any) -> PastTurn:
    fields: dict[str, Any] = {"options": RunOptions()}
    return PastTurn(**(fields | changes), history=[*history], files=[*files])


def file(message_id: Any, filename: str, media_type: str | None) -> HistoryFile:
    return HistoryFile(
        message_id=message_id,
        document_id=new_id(),
        filename=filename,
        file_size_bytes=3,
        blob_key="b",
        media_type=media_type,
    )


def test_texts_messages_and_options_come_back_as_they_were() -> None:
    early, question = said("user", "Early"), said("user", "Now")
    made = receipt(
        SystemBlock(sha256="s"),
        ToolsBlock(names=("look",), sha256="t"),
        SummaryBlock(sha256="m", tokens=9),
        HistoryBlock(message_ids=(early.id,)),
        QuestionBlock(message_id=question.id),
        ratio=1.5,
        thinking=Thinking(effort="low"),
        tool_choice=ToolChoice("required"),
        response_format=FormAsked(name="shape", is_strict=True, schema_sha256="f"),
    )
    past = read(early, question, options=RunOptions(openrouter={"sort": "price"}), budget_left_usd=2.0)

    turn, options = restored(answered(made), past, REQUEST, PLENTY)

    assert (turn.system_prompt, turn.tools, turn.summary) == ("Be kind.", [LOOK], "They met.")
    assert turn.history == [early, question]
    assert (turn.token_ratio, turn.summary_tokens, turn.budget_left_usd) == (1.5, 9, 2.0)
    assert options == RunOptions(
        thinking=Thinking(effort="low"),
        tool_choice=ToolChoice("required"),
        response_format=ResponseFormat(schema={"type": "object"}, name="shape", is_strict=True),
        openrouter={"sort": "price"},
    )


def test_what_the_request_changes_is_changed() -> None:
    made = receipt(
        SystemBlock(sha256="s"),
        ToolsBlock(names=("look",), sha256="t"),
        tool_choice=ToolChoice("function", "look"),
        response_format=FormAsked(name="shape"),
    )
    request = ReplayMessage(
        thread_id=new_id(),
        message_id=new_id(),
        system_prompt="Be brief.",
        tools=[],
        thinking=Thinking(effort="max"),
        response_format=None,
    )

    _, options = restored(answered(made), read(), request, PLENTY)

    assert options == RunOptions(system_prompt="Be brief.", tools=[], thinking=Thinking(effort="max"))


def test_tools_that_the_model_did_not_take_are_there_for_one_that_does() -> None:
    made = receipt(dropped=(DroppedTools(reason="model_takes_none", names=("look",), sha256="t"),))

    turn, _ = restored(answered(made), read(), REQUEST, PLENTY)

    assert turn.tools == [LOOK]


def test_a_smaller_window_cuts_the_oldest_messages_and_nothing_of_the_run() -> None:
    old, late = said("user", "Old", tokens=60), said("assistant", "Late", tokens=60)
    question = said("user", "Now", tokens=60)
    stub = said("assistant", "", tool_calls=[ToolCall("c", "look", "{}")], tokens=20)
    output = said("tool", "Seen", tool_call_id="c", tokens=20)
    made = receipt(
        HistoryBlock(message_ids=(old.id, late.id)),
        QuestionBlock(message_id=question.id),
        dropped=(
            DroppedHistory(reason="summarised", count=7),
            DroppedHistory(reason="window", count=2),
        ),
    )

    turn, _ = restored(answered(made), read(old, late, question, stub, output), REQUEST, 100)
    none, _ = restored(answered(made), read(old, late, question, stub, output), REQUEST, 10)

    assert turn.history == [late, question, stub, output]
    assert none.history == [question, stub, output]
    assert (turn.unsummarised_messages - len(turn.history), turn.earlier_messages) == (3, 10)


def test_the_names_of_files_that_no_model_sees_are_told_with_the_question_again() -> None:
    question = said("user", "Look")
    files = (file(question.id, "a.txt", "text/plain"), file(question.id, "a.png", "image/png"))
    made = receipt(QuestionBlock(message_id=question.id))

    turn, options = restored(answered(made), read(question, files=files), REQUEST, PLENTY)

    choice = ModelChoice("openai", "gpt-x")
    context = assemble(turn, options, choice, (), {}, question.id)
    assert [message.content for message in context.prompt.messages] == [
        "Look\n\n[Files attached, whose contents are not shown: a.txt]"
    ]
    assert [shown.filename for shown in context.files] == ["a.png"]


def test_files_that_another_model_may_see_are_asked_for_too() -> None:
    shown, blind, text = new_id(), new_id(), new_id()
    made = receipt(
        FilesBlock(files=(SeenFile(document_id=shown, filename="a.png", kind="image"),)),
        dropped=(
            DroppedFile(reason="model_cannot_see", document_id=blind, filename="b.png"),
            DroppedFile(reason="not_viewable", document_id=text, filename="c.txt"),
        ),
    )

    assert files_of(made) == [shown, blind]


def test_a_receipt_knows_its_question() -> None:
    question_id = new_id()

    assert question_of(receipt(QuestionBlock(message_id=question_id))) == question_id
    assert question_of(receipt()) is None
