"""The prompt of a run: what the model is shown, and in which order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Secret
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.prompts import ModelChoice, PromptMessage, ResponseFormat, Thinking, ToolCall
from backboard_server.domain.threads import HistoryFile, HistoryMessage, Turn
from backboard_server.runs.context import SHOWN_BYTES_MAX, assemble, history_budget
from backboard_server.store.turns import StoredFile

CHOICE = ModelChoice("openai", "gpt-x")
LOOK = ToolCall("call_look", "look", '{"at": "it"}')
HEAR = ToolCall("call_hear", "hear", "{}")
SHAPE = ResponseFormat(schema={"type": "array"})


def turn(history: list[HistoryMessage] | None = None, **changes: Any) -> Turn:
    fields: dict[str, Any] = {
        "thread_id": new_id(),
        "assistant_id": new_id(),
        "system_prompt": None,
        "tools": None,
        "history": history or [],
        "earlier_messages": 0,
        "unsummarised_messages": 0,
        "summary": None,
        "summary_tokens": 0,
        "token_ratio": 1.0,
    }
    return Turn(**(fields | changes))


def file(filename: str, media_type: str | None = None, size: int = 3) -> StoredFile:
    return StoredFile(
        document_id=new_id(),
        filename=filename,
        file_size_bytes=size,
        blob_key="a blob",
        media_type=media_type,
    )


def history_file(message_id: UUID, filename: str = "old.png") -> HistoryFile:
    return HistoryFile(
        message_id=message_id,
        document_id=new_id(),
        filename=filename,
        media_type="image/png",
        file_size_bytes=3,
        blob_key="a blob",
    )


def said(role: str, content: str, **changes: Any) -> HistoryMessage:
    fields: dict[str, Any] = {
        "id": new_id(),
        "role": role,
        "content": content,
        "status": "COMPLETED",
        "tokens": 1,
    }
    return HistoryMessage(**(fields | changes))


def user(content: str) -> HistoryMessage:
    return said("user", content)


def answer(content: str, *calls: ToolCall) -> HistoryMessage:
    status = "REQUIRES_ACTION" if calls else "COMPLETED"
    return said("assistant", content, status=status, tool_calls=list(calls) or None)


def failed(content: str) -> HistoryMessage:
    return said("assistant", content, status="FAILED")


def output(call: ToolCall, content: str) -> HistoryMessage:
    return said("tool", content, tool_call_id=call.id)


def shown(turn: Turn, message: SendMessage | None = None) -> list[tuple[str, str]]:
    """What the model sees, in short: roles with texts, the tool calls of an answer as their names."""
    prompt = assemble(turn, message or SendMessage(content="now"), CHOICE).prompt
    return [
        (message.role, ",".join([message.content, *(call.name for call in message.tool_calls)]))
        for message in prompt.messages
    ]


@pytest.mark.parametrize(
    ("assistants", "messages", "expected"),
    [
        (None, None, [("user", "now")]),
        ("", None, [("user", "now")]),
        ("Be kind", None, [("system", "Be kind"), ("user", "now")]),
        ("Be kind", "Be brief", [("system", "Be brief"), ("user", "now")]),
        (None, "Be brief", [("system", "Be brief"), ("user", "now")]),
        ("Be kind", "", [("user", "now")]),
    ],
)
def test_a_messages_system_prompt_replaces_the_assistants_even_when_empty(
    assistants: str | None, messages: str | None, expected: list[tuple[str, str]]
) -> None:
    message = SendMessage(content="now", system_prompt=messages)

    assert shown(turn(system_prompt=assistants), message) == expected


def test_the_summary_stands_between_system_prompt_and_history() -> None:
    taken = turn([user("before")], system_prompt="Be kind", summary="They met.", summary_tokens=3)

    context = assemble(taken, SendMessage(content="now"), CHOICE)

    assert [message.role for message in context.prompt.messages] == ["system", "system", "user", "user"]
    assert context.prompt.messages[1].content.endswith(":\nThey met.")
    assert context.summary_tokens == 3


def test_without_a_summary_none_is_counted() -> None:
    context = assemble(turn(summary="", summary_tokens=3), SendMessage(content="now"), CHOICE)

    assert context.summary_tokens == 0
    assert len(context.prompt.messages) == 1


HISTORIES: dict[str, tuple[list[HistoryMessage], list[tuple[str, str]]]] = {
    "in the order in which it was said": (
        [user("one"), answer("two"), user("three"), answer("four")],
        [("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four")],
    ),
    "two user messages in a row stay two": (
        [user("one"), user("two")],
        [("user", "one"), ("user", "two")],
    ),
    "a failed answer without a word is left out": (
        [user("one"), failed(""), user("two")],
        [("user", "one"), ("user", "two")],
    ),
    "what a failed answer did say is shown": (
        [user("one"), failed("Half an ans")],
        [("user", "one"), ("assistant", "Half an ans")],
    ),
    "tool calls with all their outputs are shown": (
        [user("one"), answer("", LOOK, HEAR), output(LOOK, "seen"), output(HEAR, "heard"), answer("two")],
        [
            ("user", "one"),
            ("assistant", ",look,hear"),
            ("tool", "seen"),
            ("tool", "heard"),
            ("assistant", "two"),
        ],
    ),
    "an empty output is an output": (
        [answer("", LOOK), output(LOOK, "")],
        [("assistant", ",look"), ("tool", "")],
    ),
    "tool calls that wait for an output are dropped with those that came": (
        [user("one"), answer("I look", LOOK, HEAR), output(LOOK, "seen")],
        [("user", "one"), ("assistant", "I look")],
    ),
    "tool calls without any output leave nothing where nothing was said": (
        [user("one"), answer("", LOOK)],
        [("user", "one")],
    ),
    "a window that begins at an output drops it": (
        [output(HEAR, "heard"), answer("two")],
        [("assistant", "two")],
    ),
    "a window that begins between two outputs drops the second": (
        [output(LOOK, "seen"), output(HEAR, "heard"), answer("two"), user("three")],
        [("assistant", "two"), ("user", "three")],
    ),
    "outputs follow their call at once, although a message came in between": (
        [answer("", LOOK), user("Are you there?"), output(LOOK, "seen")],
        [("assistant", ",look"), ("tool", "seen"), ("user", "Are you there?")],
    ),
    "outputs are in the order of their calls": (
        [answer("", LOOK, HEAR), output(HEAR, "heard"), output(LOOK, "seen")],
        [("assistant", ",look,hear"), ("tool", "seen"), ("tool", "heard")],
    ),
    "ids that a model uses again belong to the call before them": (
        [answer("", LOOK), output(LOOK, "first"), answer("", LOOK), output(LOOK, "second")],
        [("assistant", ",look"), ("tool", "first"), ("assistant", ",look"), ("tool", "second")],
    ),
    "an earlier call does not take the output of a later one with its id": (
        [answer("", LOOK), user("Never mind"), answer("", LOOK), output(LOOK, "second")],
        [("user", "Never mind"), ("assistant", ",look"), ("tool", "second")],
    ),
}


@pytest.mark.parametrize("case", HISTORIES)
def test_history_is_replayed_so_that_every_provider_takes_it(case: str) -> None:
    history, expected = HISTORIES[case]

    assert shown(turn(history)) == [*expected, ("user", "now")]


def test_replayed_calls_and_outputs_carry_their_ids() -> None:
    taken = turn([answer("I look", LOOK), output(LOOK, "seen")])

    prompt = assemble(taken, SendMessage(content="now"), CHOICE).prompt

    assert prompt.messages == (
        PromptMessage("assistant", "I look", tool_calls=(LOOK,)),
        PromptMessage("tool", "seen", tool_call_id="call_look"),
        PromptMessage("user", "now"),
    )


@pytest.mark.parametrize(
    ("assistants", "messages", "expected"),
    [
        (None, None, ()),
        ([{"name": "a"}], None, ({"name": "a"},)),
        ([{"name": "a"}], [{"name": "b"}], ({"name": "b"},)),
        ([{"name": "a"}], [], ()),
    ],
)
def test_a_messages_tools_replace_the_assistants_even_when_there_are_none(
    assistants: list[dict[str, Any]] | None,
    messages: list[dict[str, Any]] | None,
    expected: tuple[dict[str, Any], ...],
) -> None:
    message = SendMessage(content="now", tools=messages)

    assert assemble(turn(tools=assistants), message, CHOICE).prompt.tools == expected


def test_what_the_message_asks_of_the_model_is_passed_on() -> None:
    thinking, keys = Thinking(effort="low"), {"openai": Secret("own")}
    message = SendMessage(content="now", thinking=thinking, openrouter={"a": 1})

    prompt = assemble(turn(), message, CHOICE, keys=keys).prompt

    assert prompt.choice == CHOICE
    assert (prompt.thinking, prompt.openrouter, prompt.keys) == (thinking, {"a": 1}, keys)


@pytest.mark.parametrize(
    ("fields", "tools", "expected"),
    [
        ({"json_output": True}, None, ResponseFormat()),
        ({"json_output": True}, [{"name": "a"}], None),  # contract A.3: ignored beside tools
        ({"response_format": SHAPE}, [{"name": "a"}], SHAPE),
        ({"response_format": SHAPE, "json_output": True}, None, SHAPE),
        ({}, None, None),
    ],
)
def test_the_form_of_the_answer_is_asked_for(
    fields: dict[str, Any], tools: list[dict[str, Any]] | None, expected: ResponseFormat | None
) -> None:
    prompt = assemble(turn(tools=tools), SendMessage(content="now", **fields), CHOICE).prompt

    assert prompt.response_format == expected


def test_an_answer_is_replayed_with_its_sidecar_and_its_provider() -> None:
    history = [user("a"), said("assistant", "b", model_provider="anthropic", sidecar={"anthropic": [1]})]

    replayed = assemble(turn(history), SendMessage(content="now"), CHOICE).prompt.messages[1]

    assert (replayed.provider, replayed.sidecar) == ("anthropic", {"anthropic": [1]})


def test_an_answer_whose_calls_are_dropped_goes_without_its_sidecar() -> None:
    history = [said("assistant", "b", tool_calls=[LOOK], sidecar={"anthropic": [1]})]

    replayed = assemble(turn(history), SendMessage(content="now"), CHOICE).prompt.messages[0]

    assert (replayed.tool_calls, replayed.sidecar) == ((), None)


def test_files_of_the_message_and_of_the_history_are_shown_with_their_messages() -> None:
    earlier = user("see this")
    opened = turn([earlier, answer("I see")], system_prompt="Be brief.", media=[history_file(earlier.id)])

    context = assemble(opened, SendMessage(content="and this"), CHOICE, [file("b.pdf", "application/pdf")])

    assert [(shown.index, shown.filename, shown.kind) for shown in context.files] == [
        (3, "b.pdf", "pdf"),
        (1, "old.png", "image"),
    ]


def test_files_of_messages_that_are_no_longer_shown_are_not_either() -> None:
    context = assemble(turn(media=[history_file(new_id())]), SendMessage(content="now"), CHOICE)

    assert context.files == ()


def test_no_more_files_are_shown_than_a_vendor_takes_the_newest_first() -> None:
    earlier = user("see this")
    many = [history_file(earlier.id, filename=f"{number}.png") for number in range(30)]
    large = file("large.png", "image/png", SHOWN_BYTES_MAX)

    by_number = assemble(turn([earlier], media=many), SendMessage(content="now"), CHOICE)
    by_size = assemble(turn([earlier], media=many), SendMessage(content="now"), CHOICE, [large])

    assert [shown.filename for shown in by_number.files] == [f"{number}.png" for number in range(20)]
    assert [shown.filename for shown in by_size.files] == ["large.png"]


def test_the_estimate_counts_texts_tool_calls_and_tools() -> None:
    message = SendMessage(content="x" * 40)
    bare = assemble(turn(), message, CHOICE).tokens
    longer = assemble(turn([user("y" * 400)]), message, CHOICE).tokens
    calling = assemble(
        turn([answer("", ToolCall("c", "look", "z" * 400)), said("tool", "", tool_call_id="c")]),
        message,
        CHOICE,
    ).tokens
    equipped = assemble(turn(tools=[{"name": "w" * 400}]), message, CHOICE).tokens

    assert bare == 14
    assert longer == bare + 104
    assert calling == bare + 4 + 4 + 101
    assert equipped > bare + 100


@pytest.mark.parametrize(
    ("context_limit", "tokens_max", "expected"),
    [(8_000, 24_000, 4_000), (128_000, 24_000, 24_000), (0, 10, 0)],
)
def test_history_takes_half_the_window_and_never_more_than_its_limit(
    context_limit: int, tokens_max: int, expected: int
) -> None:
    assert history_budget(context_limit, tokens_max) == expected


def test_the_model_is_told_of_files_that_it_cannot_read() -> None:
    with_text = assemble(turn(), SendMessage(content="See"), CHOICE, [file("a.doc"), file("b.zip")])
    alone = assemble(turn(), SendMessage(), CHOICE, [file("a.doc")])

    note = "[Files attached, whose contents are not shown: a.doc"
    assert with_text.prompt.messages[-1].content == f"See\n\n{note}, b.zip]"
    assert alone.prompt.messages[-1].content == f"{note}]"
