from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.prompts import Media, PromptMessage, ToolCall
from backboard_server.providers._calls import Names
from backboard_server.providers.wires.anthropic.messages import (
    Conversation,
    Replay,
    conversation_of,
    lacks_thought,
    shows_thought,
)

Json = dict[str, Any]

REPLAY = Replay("m", takes_unsigned=False)
THOUGHT: Json = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
ASKED = PromptMessage("user", "Where?")
CALLED = PromptMessage("assistant", "", tool_calls=(ToolCall("call_1", "f", '{"a": 1}'),))
OUTPUT = PromptMessage("tool", "Sun.", tool_call_id="call_1")


def _converse(*messages: PromptMessage, replay: Replay | None = None) -> Conversation:
    return conversation_of(messages, Names(128), replay)


def _turns(*messages: PromptMessage, replay: Replay | None = None) -> list[Json]:
    """Return the turns as the vendor reads them."""
    return msgspec.json.decode(msgspec.json.encode(_converse(*messages, replay=replay).turns))


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _kept(*blocks: Json, model: str = "m") -> Json:
    return {"anthropic": {"model": model, "blocks": list(blocks)}}


def test_system_messages_stand_apart_wherever_they_were() -> None:
    conversation = _converse(
        PromptMessage("system", "Be brief."),
        ASKED,
        PromptMessage("system", " "),
        PromptMessage("system", "Summary."),
    )

    assert conversation.system == ["Be brief.", "Summary."]
    assert conversation.turns == [{"role": "user", "content": [_text("Where?")]}]


def test_neighbours_of_one_role_are_one_turn_and_blanks_are_none() -> None:
    turns = _turns(
        ASKED,
        PromptMessage("assistant", "\n"),
        PromptMessage("user", "And when?"),
        PromptMessage("assistant", "Here."),
        PromptMessage("assistant", "Now."),
        PromptMessage("user", ""),
        ASKED,
    )

    assert turns == [
        {"role": "user", "content": [_text("Where?"), _text("And when?")]},
        {"role": "assistant", "content": [_text("Here."), _text("Now.")]},
        {"role": "user", "content": [_text("Where?")]},
    ]


@pytest.mark.parametrize(
    "messages",
    [
        (),
        (PromptMessage("system", "x"),),
        (PromptMessage("assistant", "Hi."),),
        (ASKED, PromptMessage("assistant", "Hi.")),
    ],
)
def test_a_conversation_begins_and_ends_with_the_user(messages: tuple[PromptMessage, ...]) -> None:
    turns = _turns(*messages)

    assert [turn["role"] for turn in (turns[0], turns[-1])] == ["user", "user"]
    assert all(turn["content"] for turn in turns)


def test_outputs_of_a_turn_are_one_message_before_what_the_user_says_next() -> None:
    calls = PromptMessage(
        "assistant", "One moment.", tool_calls=(ToolCall("a", "f", "{}"), ToolCall("b", "g", ""))
    )
    outputs = (PromptMessage("tool", "1", tool_call_id="a"), PromptMessage("tool", "", tool_call_id="b"))

    turns = _turns(ASKED, calls, *outputs, PromptMessage("user", "Thanks."))

    assert turns[1]["content"] == [
        _text("One moment."),
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b"},
        _text("Thanks."),
    ]


def test_ids_that_other_vendors_use_again_are_told_apart_with_their_outputs() -> None:
    foreign = PromptMessage("assistant", "", tool_calls=(ToolCall("call|1", "f.g", "{}"),))
    output = PromptMessage("tool", "Sun.", tool_call_id="call|1")

    turns = _turns(ASKED, foreign, output, foreign, output)

    called = [(turn["content"][0]["id"], turn["content"][0]["name"]) for turn in (turns[1], turns[3])]
    assert called == [("call_1", "f_g"), ("call_1_2", "f_g")]
    assert [turn["content"][0]["tool_use_id"] for turn in (turns[2], turns[4])] == ["call_1", "call_1_2"]


def test_an_output_without_a_call_and_a_call_that_came_twice_are_left_out() -> None:
    twice = PromptMessage("assistant", "", tool_calls=(ToolCall("a", "f", "{}"), ToolCall("a", "g", "{}")))
    turns = _turns(ASKED, OUTPUT, twice, PromptMessage("tool", "1", tool_call_id="a"))

    assert [len(turn["content"]) for turn in turns] == [1, 1, 1]


@pytest.mark.parametrize(
    "arguments", ["{city: Paris", "[1]", "7", '"x"', '{"a": NaN}', "[" * 5_000, '{"a":"\\ud83d"}']
)
def test_arguments_that_are_no_object_are_shown_inside_one(arguments: str) -> None:
    turns = _turns(ASKED, PromptMessage("assistant", "", tool_calls=(ToolCall("a", "f", arguments),)), OUTPUT)

    assert turns[1]["content"][0]["input"] == {"INVALID_JSON": arguments}


def test_files_come_before_the_text_as_blocks_of_their_kind() -> None:
    image = Media(kind="image", media_type="image/png", filename="a.png", content=b"png")
    paper = Media(kind="pdf", media_type="application/pdf", filename="a.pdf", content=b"pdf")

    content = _turns(PromptMessage("user", "Look.", media=(image, paper)))[0]["content"]

    assert content == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "cGRm"},
            "title": "a.pdf",
        },
        _text("Look."),
    ]
    output = PromptMessage("tool", "A map.", tool_call_id="call_1", media=(image,))
    assert _turns(ASKED, CALLED, output)[2]["content"][0]["content"] == [content[0], _text("A map.")]


def test_thoughts_go_back_where_they_stood() -> None:
    blocks = [
        THOUGHT,
        {"type": "text", "length": 4},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "length": 2},
        {"type": "tool_use"},
    ]
    said = PromptMessage(
        "assistant",
        "One.é!",
        tool_calls=(ToolCall("call_1", "f", "{}"),),
        provider="p",
        sidecar=_kept(*blocks),
    )

    content = _turns(ASKED, said, OUTPUT, replay=REPLAY)[1]["content"]

    assert content == [
        THOUGHT,
        _text("One."),
        {"type": "redacted_thinking", "data": "d"},
        _text("é!"),
        {"type": "tool_use", "id": "call_1", "name": "f", "input": {}},
    ]
    assert [block["type"] for block in _turns(ASKED, said, OUTPUT)[1]["content"]] == ["text", "tool_use"]


UNFITTING: list[Json | None] = [
    None,
    {"anthropic": "?"},
    _kept(THOUGHT, {"type": "text", "length": 3}, {"type": "text", "length": -1}),
    _kept(THOUGHT, {"type": "text", "length": 99}),
    _kept(THOUGHT, {"type": "text", "length": 2}, {"type": "tool_use"}),
    _kept(THOUGHT, {"type": "text", "length": 2}, model="claude-opus-4-6"),
    _kept({"type": "thinking", "thinking": "Hm."}, {"type": "text", "length": 2}),
]


@pytest.mark.parametrize("sidecar", UNFITTING)
def test_without_thoughts_that_fit_the_answer_goes_back_plainly(sidecar: Json | None) -> None:
    said = PromptMessage("assistant", "Hi", provider="p", sidecar=sidecar)

    assert _turns(ASKED, said, ASKED, replay=REPLAY)[1]["content"] == [_text("Hi")]


def test_a_thought_without_a_signature_goes_back_to_those_who_sign_nothing() -> None:
    bare = {"type": "thinking", "thinking": "Hm."}
    said = PromptMessage("assistant", "Hi", sidecar=_kept(bare, {"type": "text", "length": 2}))

    assert _turns(ASKED, said, replay=Replay("m", takes_unsigned=True))[1]["content"] == [bare, _text("Hi")]


def test_a_thought_never_ends_an_answer() -> None:
    said = PromptMessage("assistant", "Hi", sidecar=_kept({"type": "text", "length": 2}, THOUGHT))
    only = PromptMessage("assistant", "", sidecar=_kept(THOUGHT))

    turns = _turns(ASKED, said, ASKED, only, ASKED, replay=REPLAY)

    assert [turn["content"] for turn in turns[1:]] == [[_text("Hi")], [_text("Where?"), _text("Where?")]]


def test_a_turn_of_tools_lacks_a_thought_unless_it_began_with_one() -> None:
    thoughtful = PromptMessage(
        "assistant", "", tool_calls=CALLED.tool_calls, sidecar=_kept(THOUGHT, {"type": "tool_use"})
    )

    def lacks(*messages: PromptMessage) -> bool:
        return lacks_thought(_turns(ASKED, *messages, replay=REPLAY))

    assert lacks(CALLED, OUTPUT)
    assert lacks(CALLED, OUTPUT, thoughtful, OUTPUT)
    assert not lacks(thoughtful, OUTPUT, CALLED, OUTPUT)
    assert not lacks(CALLED, OUTPUT, PromptMessage("assistant", "Sun."), ASKED)
    assert not lacks()


def test_whether_thoughts_are_shown_is_seen() -> None:
    said = PromptMessage("assistant", "Hi", sidecar=_kept(THOUGHT, {"type": "text", "length": 2}))

    assert shows_thought(_turns(ASKED, said, replay=REPLAY))
    assert not shows_thought(_turns(ASKED, said))


def test_a_blank_text_between_thoughts_is_left_out() -> None:
    blocks = (THOUGHT, {"type": "text", "length": 2}, THOUGHT, {"type": "text", "length": 2})
    said = PromptMessage("assistant", "\n\nHi", sidecar=_kept(*blocks))

    assert _turns(ASKED, said, replay=REPLAY)[1]["content"] == [THOUGHT, THOUGHT, _text("Hi")]
