from __future__ import annotations

import re
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import (
    Media,
    ModelChoice,
    Prompt,
    PromptMessage,
    PromptRole,
    ToolCall,
)
from backboard_server.providers._calls import Names
from backboard_server.providers._fitting import fit
from backboard_server.providers.wires.bedrock.turns import turns_of
from fake_vendor.dialects.bedrock_demands import refusal_of, sealed

MODEL = "us.anthropic.claude-sonnet-4-6"
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "weather"}}
CALL = ToolCall("call_1", "weather", '{"city": "Paris"}')
THOUGHT = {"reasoning": "Hm.", "signature": sealed("seal", "Hm.")}


def _turns(*messages: PromptMessage, tools: bool = True) -> list[Any]:
    prompt = Prompt(
        choice=ModelChoice("amazon-bedrock", MODEL), messages=messages, tools=(TOOL,) if tools else ()
    )
    return msgspec.json.decode(msgspec.json.encode(turns_of(prompt, Names(64))))


def _user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def _assistant(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def _output(call_id: str, text: str) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": call_id, "content": [{"text": text}]}}


def test_outputs_come_first_in_the_users_turn_and_neighbours_are_one_turn() -> None:
    other = ToolCall("call_2", "clock", "")
    turns = _turns(
        PromptMessage("system", "Be brief."),
        PromptMessage("user", "Hello."),
        PromptMessage("user", "Where am I?"),
        PromptMessage("assistant", "Let me see.", tool_calls=(CALL, other)),
        PromptMessage("tool", "Sun.", tool_call_id="call_1"),
        PromptMessage("tool", "", tool_call_id="call_2"),
        PromptMessage("user", "And now?"),
    )

    assert turns == [
        _user({"text": "Hello."}, {"text": "Where am I?"}),
        _assistant(
            {"text": "Let me see."},
            {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Paris"}}},
            {"toolUse": {"toolUseId": "call_2", "name": "clock", "input": {}}},
        ),
        _user(_output("call_1", "Sun."), _output("call_2", "[No output.]"), {"text": "And now?"}),
    ]


def test_a_conversation_begins_and_ends_with_the_user() -> None:
    greeting = PromptMessage("assistant", "Good morning.")

    assert [turn["role"] for turn in _turns(greeting)] == ["user", "assistant", "user"]
    assert [turn["role"] for turn in _turns(PromptMessage("system", "Be brief."))] == ["user"]


def test_what_is_blank_is_left_out() -> None:
    turns = _turns(
        PromptMessage("user", "Hello."),
        PromptMessage("assistant", " \n"),
        PromptMessage("user", ""),
        PromptMessage("user", "Are you there?"),
    )

    assert turns == [_user({"text": "Hello."}, {"text": "Are you there?"})]


def test_arguments_are_an_object_whatever_the_model_wrote() -> None:
    turns = _turns(
        PromptMessage("user", "Hello."),
        PromptMessage("assistant", "", tool_calls=(ToolCall("a", "weather", "{city: Paris"),)),
        PromptMessage("tool", "Sun.", tool_call_id="a"),
    )

    assert turns[1]["content"][0]["toolUse"]["input"] == {"INVALID_JSON": "{city: Paris"}


def test_ids_and_names_of_others_become_what_the_vendor_takes_and_no_id_comes_twice() -> None:
    calls = (ToolCall("call|ü" + "x" * 90, "look.up it", "{}"), ToolCall("", "", "{}"), CALL)
    outputs = [PromptMessage("tool", call.id, tool_call_id=call.id) for call in calls]
    turns = _turns(
        PromptMessage("user", "Hello."),
        PromptMessage("assistant", "", tool_calls=calls),
        *outputs,
        PromptMessage("assistant", "", tool_calls=(CALL,)),
        PromptMessage("tool", "again", tool_call_id="call_1"),
    )

    uses = [block["toolUse"] for turn in turns for block in turn["content"] if "toolUse" in block]
    results = [block["toolResult"] for turn in turns for block in turn["content"] if "toolResult" in block]
    ids = [use["toolUseId"] for use in uses]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call_id) for call_id in ids)
    assert len(set(ids)) == len(ids)
    assert [result["toolUseId"] for result in results] == ids
    assert [use["name"] for use in uses] == ["look_up_it", "tool", "weather", "weather"]


def test_without_tools_calls_and_outputs_are_told_as_text() -> None:
    turns = _turns(
        PromptMessage("user", "Hello."),
        PromptMessage("assistant", "", tool_calls=(CALL,)),
        PromptMessage("tool", "Sun.", tool_call_id="call_1"),
        tools=False,
    )

    assert turns[1:] == [
        _assistant({"text": '[Called weather with {"city": "Paris"}]'}),
        _user({"text": "[weather returned: Sun.]"}),
    ]


def test_files_come_before_a_text_and_never_without_one() -> None:
    pdf = Media(kind="pdf", media_type="application/pdf", filename="a.pdf", content=b"%PDF")

    (turn,) = _turns(PromptMessage("user", "", media=(pdf,)))

    assert [next(iter(block)) for block in turn["content"]] == ["document", "text"]


def test_an_answer_goes_back_as_it_came_and_without_its_seals_where_it_was_changed() -> None:
    sidecar = {"bedrock": {"blocks": [THOUGHT, {"call": "call_1"}]}}
    call = {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Paris"}}}
    hello, output = PromptMessage("user", "Hello."), PromptMessage("tool", "Sun.", tool_call_id="call_1")

    same = _turns(hello, PromptMessage("assistant", "", tool_calls=(CALL,), sidecar=sidecar), output)
    changed = _turns(hello, PromptMessage("assistant", "Hm!", tool_calls=(CALL,), sidecar=sidecar), output)

    thought = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": THOUGHT["signature"]}}}
    assert same[1] == _assistant(thought, call)
    assert changed[1] == _assistant({"text": "Hm!"}, call)


def test_an_answer_never_ends_with_a_thought() -> None:
    sidecar = {"bedrock": {"blocks": [{"characters": 3}, THOUGHT]}}

    turns = _turns(PromptMessage("user", "Hello."), PromptMessage("assistant", "Hm!", sidecar=sidecar))

    assert turns[1] == _assistant({"text": "Hm!"})


PLAIN = st.text(max_size=3)
CALLS = st.builds(
    ToolCall,
    PLAIN | st.sampled_from(["call_1", "a|b", "x" * 80]),
    PLAIN | st.just("weather"),
    PLAIN | st.just("{}"),
)
BLOCKS: list[dict[str, Any]] = [
    THOUGHT,
    {"characters": 1},
    {"characters": 3},
    {"call": "call_1"},
    {"call": ""},
]
FILES = st.builds(
    Media,
    kind=st.just("pdf"),
    media_type=st.just("application/pdf"),
    filename=PLAIN,
    content=st.binary(min_size=1, max_size=3),
)


@st.composite
def _messages(draw: st.DrawFn) -> PromptMessage:
    role: PromptRole = draw(st.sampled_from(["system", "user", "assistant", "tool"]))
    content = draw(PLAIN)
    match role:
        case "system":
            return PromptMessage(role, content)
        case "user":
            return PromptMessage(role, content, media=tuple(draw(st.lists(FILES, max_size=2))))
        case "tool":
            return PromptMessage(role, content, tool_call_id=draw(st.sampled_from(["call_1", "x"])))
        case "assistant":
            blocks = draw(st.lists(st.sampled_from(BLOCKS), max_size=4))
            return PromptMessage(
                role,
                content,
                tool_calls=tuple(draw(st.lists(CALLS, max_size=3))),
                provider=draw(st.sampled_from(["amazon-bedrock", "openai"])),
                sidecar={"bedrock": {"blocks": blocks}} if blocks else None,
            )


@given(st.lists(_messages(), max_size=12), st.booleans())
def test_no_history_is_one_that_the_vendor_refuses(messages: list[PromptMessage], has_tools: bool) -> None:
    choice = ModelChoice("amazon-bedrock", MODEL)
    prompt = Prompt(choice=choice, messages=tuple(messages), tools=(TOOL,) if has_tools else ())
    fitted = fit(prompt, "amazon-bedrock", Facts(context_limit=200_000), frozenset({"image", "pdf", "audio"}))

    body: dict[str, Any] = {"messages": msgspec.json.decode(msgspec.json.encode(turns_of(fitted, Names(64))))}
    if has_tools:
        schema = {"json": {"type": "object"}}
        body["toolConfig"] = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": schema}}]}

    assert refusal_of(body, MODEL) is None
