"""The receipt of an answer: what the model saw, in which order, what it did not see, and what it cost."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from backboard_server.domain import receipts
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import RunOptions, SendMessage
from backboard_server.domain.prompts import (
    Media,
    ModelChoice,
    PromptMessage,
    ResponseFormat,
    Thinking,
    ToolChoice,
    Usage,
)
from backboard_server.domain.receipts import Receipt
from backboard_server.domain.runs import Attempt, Retry
from backboard_server.runs.clock import Clock
from backboard_server.runs.context import extended
from backboard_server.runs.draft import Draft
from receipt_runs import (
    CALL,
    CHOICE,
    FACTS,
    LOOK,
    PRICE,
    digest,
    draft_of,
    earlier,
    finished,
    picture,
    receipted,
    run_of,
    said,
    turn_of,
)


def test_the_blocks_stand_in_the_order_in_which_the_model_saw_them() -> None:
    asked, told = said("user", "One"), said("assistant", "Two")
    turn = turn_of(asked, told, system_prompt="Be kind.", tools=[LOOK], summary="They met.", summary_tokens=9)
    run = run_of(turn)

    made = receipted(run)

    tools = msgspec.json.encode([LOOK]).decode()
    assert [type(block) for block in made.receipt.blocks] == [
        receipts.SystemBlock,
        receipts.ToolsBlock,
        receipts.SummaryBlock,
        receipts.HistoryBlock,
        receipts.QuestionBlock,
    ]
    system, offered, summary, history, question = made.receipt.blocks
    assert system == receipts.SystemBlock(tokens=6, sha256=digest("Be kind."))
    assert offered == receipts.ToolsBlock(
        tokens=run.context.tools_tokens, names=("look",), sha256=digest(tools)
    )
    assert isinstance(summary, receipts.SummaryBlock)
    assert isinstance(history, receipts.HistoryBlock)
    assert history.message_ids == (asked.id, told.id)
    assert question == receipts.QuestionBlock(tokens=5, message_id=run.question_id or new_id())
    assert made.texts == {digest(text): text for text in ("Be kind.", tools, "They met.")}


def test_the_tokens_of_the_blocks_add_up_to_the_estimate() -> None:
    turn = turn_of(said("user", "One"), said("assistant", "Two" * 50), system_prompt="Be kind.", tools=[LOOK])
    run = run_of(replace(turn, summary="They met.", token_ratio=1.5))

    receipt = receipted(run).receipt

    assert sum(block.tokens or 0 for block in receipt.blocks) == run.context.tokens
    assert receipt.tokens == receipts.TokenEstimate(
        estimated=run.context.tokens,
        ratio=1.5,
        corrected=round(run.context.tokens * 1.5),
        context_limit=1_000,
    )


def test_without_anything_before_there_is_only_the_question() -> None:
    made = receipted(run_of(turn_of()))

    assert [type(block) for block in made.receipt.blocks] == [receipts.QuestionBlock]
    assert (made.receipt.step, made.receipt.dropped, made.texts) == (1, (), {})


def test_the_steps_of_a_run_are_blocks_of_their_own() -> None:
    run = run_of(turn_of(said("user", "One")))
    draft = Draft(run.ids, CHOICE)
    for _ in draft.ready([CALL]):
        continue
    stub_id, output_id = new_id(), new_id()
    output = PromptMessage("tool", "Seen", tool_call_id=CALL.id)
    context = extended(run.context, draft, [output], [stub_id, output_id])

    receipt = receipted(replace(run, context=context)).receipt

    assert receipt.step == 2
    assert receipt.blocks[-1] == receipts.StepBlock(tokens=11, message_ids=(stub_id, output_id))
    assert sum(block.tokens or 0 for block in receipt.blocks) == context.tokens


def test_a_run_that_goes_on_finds_its_question_and_its_steps_in_the_history() -> None:
    before, question = said("assistant", "Before"), said("user", "Look")
    stub = said("assistant", "", tool_calls=[CALL])
    output = said("tool", "Seen", tool_call_id=CALL.id)

    receipt = receipted(run_of(turn_of(before, question, stub, output), RunOptions())).receipt

    history, asked, step = receipt.blocks
    assert isinstance(history, receipts.HistoryBlock)
    assert history.message_ids == (before.id,)
    assert isinstance(asked, receipts.QuestionBlock)
    assert asked.message_id == question.id
    assert isinstance(step, receipts.StepBlock)
    assert step.message_ids == (stub.id, output.id)
    assert receipt.step == 2


def test_what_a_model_was_told_of_a_bad_answer_is_kept_though_no_message_has_it() -> None:
    run = run_of(turn_of())
    draft = draft_of(run)
    again = (PromptMessage("assistant", "{"), PromptMessage("user", "This is no JSON."))
    draft.shown = replace(run.context.prompt, messages=(*run.context.prompt.messages, *again))

    made = receipted(run, draft)

    assert made.receipt.blocks[-1] == receipts.RepairBlock(tokens=13, sha256=digest("{\n\nThis is no JSON."))
    assert made.texts == {digest("{\n\nThis is no JSON."): "{\n\nThis is no JSON."}


def test_what_the_window_and_the_summary_leave_out_is_counted() -> None:
    turn = turn_of(said("user", "One"), earlier_messages=10, unsummarised_messages=4, summary="Much.")

    assert receipted(run_of(turn)).receipt.dropped == (
        receipts.DroppedHistory(reason="summarised", count=7),
        receipts.DroppedHistory(reason="window", count=3),
    )


def test_calls_outputs_and_silence_that_cannot_be_shown_are_named() -> None:
    loose = said("tool", "What for?", tool_call_id="gone")
    waiting = said("assistant", "I look.", tool_calls=[CALL])
    silent = said("assistant", "", status="FAILED")
    run = run_of(turn_of(loose, waiting, silent))

    receipt = receipted(run).receipt

    assert receipt.dropped == (
        receipts.DroppedMessages(reason="calls_without_outputs", message_ids=(waiting.id,)),
        receipts.DroppedMessages(reason="outputs_without_calls", message_ids=(loose.id,)),
        receipts.DroppedMessages(reason="nothing_said", message_ids=(silent.id,)),
    )
    history = receipt.blocks[0]
    assert isinstance(history, receipts.HistoryBlock)
    assert history.message_ids == (waiting.id,)


def test_files_are_told_with_their_messages_and_those_not_shown_with_the_reason() -> None:
    asked = said("user", "Look")
    old, fresh, heard = (
        earlier(asked.id, picture("old.png")),
        picture(),
        picture("a.mp3", "audio/mpeg"),
    )
    text, huge = picture("a.txt", "text/plain"), picture("huge.png", size=2**30)
    run = run_of(turn_of(asked, media=[old]), SendMessage(content="And?"), (fresh, heard, text, huge))
    draft = draft_of(run)
    shown = [*run.context.prompt.messages]
    media = Media(kind="image", media_type="image/png", filename="a.png", content=b"")
    shown[-1] = replace(shown[-1], media=(media, replace(media, kind="audio", filename="a.mp3")))
    draft.shown = replace(run.context.prompt, messages=tuple(shown))

    receipt = receipted(run, draft, replace(FACTS, takes=frozenset({"image"}))).receipt

    assert receipt.blocks[-1] == receipts.FilesBlock(
        files=(
            receipts.SeenFile(
                document_id=fresh.document_id,
                message_id=run.question_id,
                filename="a.png",
                kind="image",
                bytes=3,
            ),
        )
    )
    told = {
        (drop.filename, drop.reason) for drop in receipt.dropped if isinstance(drop, receipts.DroppedFile)
    }
    assert told == {
        ("a.txt", "not_viewable"),
        ("huge.png", "too_large"),
        ("a.mp3", "model_cannot_see"),
        ("old.png", "unreadable"),
    }


def test_tools_that_a_model_does_not_take_are_left_out_and_said_to_be() -> None:
    run = run_of(turn_of(said("user", "One"), tools=[LOOK]))

    made = receipted(run, facts=replace(FACTS, takes_tools=False))

    tools = msgspec.json.encode([LOOK]).decode()
    dropped = receipts.DroppedTools(reason="model_takes_none", names=("look",), sha256=digest(tools))
    assert dropped in made.receipt.dropped
    assert made.texts == {digest(tools): tools}
    shown = sum(block.tokens or 0 for block in made.receipt.blocks)
    assert shown == run.context.tokens - run.context.tools_tokens


def test_servers_whose_tools_could_not_be_had_are_named() -> None:
    run = replace(run_of(turn_of()), problems=("The MCP server maps did not answer.",))

    assert receipted(run).receipt.dropped == (
        receipts.DroppedServer(reason="unavailable", detail="The MCP server maps did not answer."),
    )


def test_everything_that_was_tried_is_there() -> None:
    run = replace(run_of(turn_of()), fallbacks=(ModelChoice("groq", "llama"),))
    draft = draft_of(run)
    draft.attempts += [
        Attempt(model_provider="openai", model_name="gpt-x", error_code="timeout", error="Late")
    ]
    draft.retries += [
        Retry(
            model_provider="openai",
            model_name="gpt-x",
            error_code="rate_limited",
            error="Slow down",
            waited_seconds=0.5,
        )
    ]

    receipt = receipted(run, draft, error_code="timeout").receipt

    assert receipt.attempts == tuple(draft.attempts)
    assert receipt.retries == tuple(draft.retries)
    assert receipt.fallbacks == (ModelChoice("groq", "llama"),)
    assert (receipt.finish_reason, receipt.error_code) == ("stop", "timeout")


def test_what_was_asked_of_the_model_is_there_with_the_schema_as_a_text() -> None:
    asked = SendMessage(
        content="Hi",
        thinking=Thinking(effort="low"),
        tool_choice=ToolChoice("none"),
        response_format=ResponseFormat(schema={"type": "object"}, name="shape", is_strict=True),
    )

    made = receipted(run_of(turn_of(), asked))

    schema = '{"type":"object"}'
    assert made.receipt.thinking == Thinking(effort="low")
    assert made.receipt.tool_choice == ToolChoice("none")
    assert made.receipt.response_format == receipts.FormAsked(
        name="shape", is_strict=True, schema_sha256=digest(schema)
    )
    assert made.texts == {digest(schema): schema}


def test_the_cost_adds_up_line_by_line() -> None:
    run = run_of(turn_of())
    draft = draft_of(run, Usage(1_000, 100, 400))

    paid = receipted(run, draft, price_source="models.dev", price_dated=PRICE.dated, cost_usd=0.0024).receipt

    assert paid.price is not None
    assert paid.price == receipts.PricePaid(
        source="models.dev",
        dated=PRICE.dated,
        lines=(
            receipts.PriceLine(kind="input", tokens=600, rate_usd=2.0, cost_usd=0.0012),
            receipts.PriceLine(kind="cached_input", tokens=400, rate_usd=0.5, cost_usd=0.0002),
            receipts.PriceLine(kind="output", tokens=100, rate_usd=10.0, cost_usd=0.001),
        ),
    )
    assert sum(line.cost_usd for line in paid.price.lines) == pytest.approx(paid.cost_usd)
    assert (paid.usage, paid.is_usage_estimated) == (Usage(1_000, 100, 400), False)


def test_a_cost_that_the_provider_says_has_no_lines_and_an_unknown_one_no_price() -> None:
    run = run_of(turn_of())
    draft = draft_of(run, Usage(10, 1, cost_usd=0.5))

    said_so = receipted(run, draft, price_source="provider", cost_usd=0.5).receipt
    unknown = receipted(run, facts=replace(FACTS, price=None)).receipt

    assert said_so.price == receipts.PricePaid(source="provider", dated=None, lines=())
    assert (unknown.price, unknown.cost_usd, unknown.is_usage_estimated) == (None, None, True)


def test_the_time_that_the_phases_took_is_there() -> None:
    run = replace(run_of(turn_of()), clock=Clock(began_at=1.0))
    draft = draft_of(run)
    draft.asked_at, draft.first_delta_at = 2.0, 4.0

    assert receipted(run, draft).receipt.timings == receipts.Timings(
        opened=1.0, first_token=2.0, generation=5.0, total=8.0
    )


def test_a_receipt_is_stored_as_it_can_be_read_again() -> None:
    turn = turn_of(said("user", "One"), system_prompt="Be kind.", earlier_messages=3, unsummarised_messages=3)
    run = run_of(turn, SendMessage(content="Look"), (picture(),))
    draft = draft_of(run)
    made = receipted(run, draft, price_source="models.dev")

    outcome = made.joined_to(finished(run, draft))

    assert outcome.receipt is not None
    assert msgspec.json.decode(outcome.receipt, type=Receipt) == made.receipt
    assert [(text.digest, text.content) for text in outcome.receipt_texts or ()] == [
        (digest("Be kind."), "Be kind.")
    ]
