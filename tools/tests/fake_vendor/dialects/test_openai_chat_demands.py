from __future__ import annotations

from typing import Any

import pytest

from fake_vendor.dialects.openai_chat_demands import is_mistrals, refusal_of

USER = {"role": "user", "content": "Look!"}
SAID = {"role": "assistant", "content": "There."}


def _call(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "function": {"name": "look", "arguments": arguments}}


def _called(call_id: str = "abcDEF123", **fields: str) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [_call(call_id)], **fields}


def _output(call_id: str = "abcDEF123") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "It is there."}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([USER], None),
        ([USER, _called(), _output()], None),
        ([USER, _called(), _output(), SAID, USER], None),
        ([USER, _called("call_1"), _output("call_1")], "length of 9"),
        ([USER, _called(), _output(), USER], "Unexpected role 'user' after role 'tool'"),
        ([USER, SAID, {"role": "system", "content": "Be brief."}, USER], "Unexpected role 'system'"),
        ([USER, {"role": "assistant", "content": ""}, USER], "either content or tool_calls"),
        ([USER, SAID], "Expected last role"),
        ([USER, SAID | {"reasoning_content": "Hm."}, USER], "messages.1.reasoning_content"),
    ],
)
def test_mistral_demands_its_own_ids_order_and_fields(
    messages: list[dict[str, Any]], words: str | None
) -> None:
    refusal = refusal_of("mistral-large-latest", {"messages": messages})

    assert words in refusal if words and refusal else refusal == words


def test_mistral_refuses_fields_that_it_does_not_know() -> None:
    body = {"messages": [USER], "stream_options": {"include_usage": True}}

    assert "body.stream_options" in (refusal_of("mistral-large-latest", body) or "")
    assert refusal_of("gpt-4o", body) is None


@pytest.mark.parametrize("model", ["deepseek-v4-pro", "deepseek-reasoner", "kimi-k2.6", "kimi-k2-thinking"])
def test_a_thinking_model_wants_its_thought_back_beside_the_call(model: str) -> None:
    forgotten: list[dict[str, Any]] = [USER, _called(), _output()]
    empty = [USER, _called(reasoning_content=""), _output()]
    kept = [USER, _called(reasoning_content="Hm."), _output()]

    assert "reasoning_content" in (refusal_of(model, {"messages": forgotten}) or "")
    assert refusal_of(model, {"messages": empty})
    assert refusal_of(model, {"messages": kept}) is None
    assert refusal_of(model, {"messages": forgotten, "thinking": {"type": "disabled"}}) is None
    assert refusal_of("gpt-4o", {"messages": forgotten}) is None


def test_deepseek_wants_the_thoughts_of_the_whole_turn_and_of_that_turn_alone() -> None:
    turn = [USER, _called(reasoning_content="Hm."), _output(), SAID, USER]

    assert refusal_of("deepseek-v4-pro", {"messages": turn})
    assert refusal_of("deepseek-v4-pro", {"messages": [USER, SAID, USER]}) is None
    assert refusal_of("kimi-k2.6", {"messages": turn}) is None


@pytest.mark.parametrize(
    ("model", "expected"),
    [("mistralai/Devstral-Small-2", True), ("open-mixtral-8x7b", True), ("gpt-4o", False)],
)
def test_mistrals_models_are_known_by_their_names(model: str, expected: bool) -> None:
    assert is_mistrals(model) is expected


def test_arguments_that_are_no_json_are_refused_but_by_openai() -> None:
    call = {"role": "assistant", "tool_calls": [_call("abcDEF123", '{"city": "Par')]}
    body = {"messages": [USER, call, _output()]}

    assert refusal_of("qwen3-32b", body)
    assert refusal_of("gpt-4o", body) is None


@pytest.mark.parametrize(
    ("model", "effort", "is_refused"),
    [
        ("gpt-5.6", None, True),
        ("gpt-5.4", "low", True),
        ("gpt-5.6", "none", False),
        ("gpt-5.1", "low", False),
    ],
)
def test_some_of_openais_models_do_not_think_beside_tools(
    model: str, effort: str | None, is_refused: bool
) -> None:
    body = {"messages": [USER], "tools": [{"type": "function"}], "reasoning_effort": effort}

    assert bool(refusal_of(model, body)) is is_refused
    assert refusal_of(model, body | {"tools": []}) is None
