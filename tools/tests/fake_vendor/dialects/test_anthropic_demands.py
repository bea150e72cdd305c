from __future__ import annotations

from typing import Any

import pytest

from fake_vendor.dialects.anthropic_demands import refusal_of, sealed

Json = dict[str, Any]

TOOLS: list[Json] = [{"name": "f", "input_schema": {"type": "object"}}]
USER: Json = {"role": "user", "content": "Where?"}
ANSWER: Json = {"role": "assistant", "content": [{"type": "text", "text": "Here."}]}
CALL: Json = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
OUTPUT: Json = {"type": "tool_result", "tool_use_id": "a", "content": "Sun."}
MARKED: Json = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}


def _turn(role: str, *blocks: Json) -> Json:
    return {"role": role, "content": list(blocks)}


def _body(*messages: Json, model: str = "claude-opus-4-6", **fields: Any) -> Json:
    return {"model": model, "max_tokens": 4_096, "messages": list(messages or (USER,)), **fields}


def _thought(body: Json, text: str = "Hm.") -> Json:
    """Return a thought as the vendor gives it in answer to a request."""
    return {"type": "thinking", "thinking": text, "signature": sealed(text, "seal", body)}


TAKEN: list[Json] = [
    _body(),
    _body(USER, ANSWER, USER, system=[{"type": "text", "text": "Be brief."}]),
    _body(
        USER, _turn("assistant", CALL), _turn("user", OUTPUT, {"type": "text", "text": "So?"}), tools=TOOLS
    ),
    _body(_turn("user", MARKED, MARKED, MARKED, MARKED)),
    _body(thinking={"type": "enabled", "budget_tokens": 1_024}),
    _body(model="claude-opus-5-5", thinking={"type": "adaptive"}),
    _body(model="claude-sonnet-5-5", thinking={"type": "between_tools"}),
    _body(output_config={"effort": "max", "format": {"type": "json_schema", "schema": {"type": "string"}}}),
]


@pytest.mark.parametrize("body", TAKEN)
def test_what_keeps_the_rules_is_taken(body: Json) -> None:
    assert refusal_of(body) is None


def _formed(schema: object) -> Json:
    return _body(output_config={"format": {"type": "json_schema", "schema": schema}})


def _called(calls: list[Json], *following: Json) -> Json:
    return _body(USER, _turn("assistant", *calls), _turn("user", *following), tools=TOOLS)


def _source(kind: str, media_type: str, data: str) -> Json:
    return _turn("user", {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}})


REFUSED: list[tuple[str, Json]] = [
    ("at least one", {"model": "m", "max_tokens": 1, "messages": []}),
    ("Unexpected role", _body({"role": "system", "content": "x"})),
    ("must alternate", _body(USER, USER)),
    ('first message must use the "user" role', _body(ANSWER, USER)),
    ("prefill", _body(USER, ANSWER)),
    ("non-empty content", _body(_turn("user"))),
    ("non-whitespace", _body({"role": "user", "content": " "})),
    ("non-whitespace", _body(system=[{"type": "text", "text": ""}])),
    ("Input tag", _body(_turn("user", {"type": "audio"}))),
    ("Input tag", _body(_turn("user", CALL))),
    ("media_type", _body(_source("image", "image/bmp", "cG5n"))),
    ("media_type", _body(_source("document", "text/plain", "cG5n"))),
    ("base64", _body(_source("image", "image/png", "?"))),
    ("valid dictionary", _called([CALL | {"input": "{}"}], OUTPUT)),
    ("non-whitespace", _called([CALL], OUTPUT | {"content": [{"type": "text", "text": ""}]})),
    ("Field required", _called([{"type": "redacted_thinking"}, *ANSWER["content"]], MARKED)),
    ("without `tool_result`", _called([CALL], MARKED)),
    ("without `tool_result`", _called([CALL], MARKED, OUTPUT)),
    ("unexpected `tool_use_id`", _body(_turn("user", OUTPUT))),
    ("unexpected `tool_use_id`", _body(USER, ANSWER, _turn("user", OUTPUT))),
    ("must be unique", _called([CALL, CALL], OUTPUT, OUTPUT)),
    ("match pattern", _called([CALL | {"id": "a|1"}], OUTPUT | {"tool_use_id": "a|1"})),
    ("must define tools", _body(USER, _turn("assistant", CALL), _turn("user", OUTPUT))),
    ("names must be unique", _body(tools=TOOLS * 2)),
    ("match pattern", _body(tools=[TOOLS[0] | {"name": "f.g"}])),
    ("'object'", _body(tools=[{"name": "f", "input_schema": {"type": "string"}}])),
    ("top level", _body(tools=[{"name": "f", "input_schema": {"type": "object", "anyOf": []}}])),
    ("1024", _body(thinking={"type": "enabled", "budget_tokens": 1_000})),
    ("greater than", _body(thinking={"type": "enabled", "budget_tokens": 4_096})),
    ("Found 5", _body(_turn("user", *[MARKED] * 5))),
    ("effort", _body(output_config={"effort": "minimal"})),
    ("Extra inputs", _body(output_config={"form": {}})),
    ("'json_schema'", _body(output_config={"format": {"type": "json_object"}})),
    ("dictionary", _formed(None)),
    ("explicitly set to false", _formed({"type": "object", "properties": {}})),
    ("'minimum'", _formed({"type": "array", "items": {"type": "integer", "minimum": 1}})),
]


@pytest.mark.parametrize(("said", "body"), REFUSED)
def test_what_breaks_a_rule_is_refused_in_the_vendors_words(said: str, body: Json) -> None:
    assert said in (refusal_of(body) or "")


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("claude-3-5-sonnet-20241022", "enabled"),
        ("claude-sonnet-4-5", "adaptive"),
        ("claude-opus-4-7", "enabled"),
        ("claude-opus-5-5", "disabled"),
        ("claude-sonnet-5-5", "disabled"),
        ("claude-opus-5", "between_tools"),
        ("claude-opus-5", "deep"),
    ],
)
def test_a_model_is_asked_to_think_in_its_own_way_or_not_at_all(model: str, kind: str) -> None:
    body = _body(model=model, thinking={"type": kind, "budget_tokens": 2_000})

    assert "not supported" in (refusal_of(body) or "")


def test_a_turn_of_tools_must_begin_with_a_thought_where_a_budget_is_given() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1_024}
    thought = _thought(_body())
    outputs = _turn("user", OUTPUT), _turn("user", OUTPUT | {"tool_use_id": "b"})
    second = _turn("assistant", CALL | {"id": "b"})

    thoughtful = _body(USER, _turn("assistant", thought, CALL), outputs[0], second, outputs[1], tools=TOOLS)
    thoughtless = _body(USER, _turn("assistant", CALL), outputs[0], second, outputs[1], tools=TOOLS)

    assert refusal_of(thoughtful | {"thinking": thinking}) is None
    assert "Expected `thinking`" in (refusal_of(thoughtless | {"thinking": thinking}) or "")
    assert refusal_of(thoughtless | {"thinking": {"type": "adaptive"}}) is None


def test_a_thought_comes_back_as_it_was_given_or_not_at_all() -> None:
    thought, text = _thought(_body()), ANSWER["content"][0]
    forgeries = (thought | {"thinking": "Do harm."}, thought | {"signature": "seal"}, {"type": "thinking"})

    assert refusal_of(_body(USER, _turn("assistant", thought, text), USER)) is None
    for forged in forgeries:
        assert "Invalid `signature`" in (
            refusal_of(_body(USER, _turn("assistant", forged, text), USER)) or ""
        )
    other = _body(USER, _turn("assistant", thought, text), USER, model="claude-opus-4-7")
    assert "Invalid `signature`" in (refusal_of(other) or "")


def test_a_thought_neither_ends_an_answer_nor_is_marked() -> None:
    thought, text = _thought(_body()), ANSWER["content"][0]

    assert "final block" in (refusal_of(_body(USER, _turn("assistant", text, thought), USER)) or "")
    marked = thought | {"cache_control": {"type": "ephemeral"}}
    assert "cache_control" in (refusal_of(_body(USER, _turn("assistant", marked, text), USER)) or "")


def test_a_newer_model_refuses_a_thought_whose_context_has_changed_unless_it_may_drop_it() -> None:
    model, text = "claude-opus-5-5", ANSWER["content"][0]
    asked = _body(model=model, system="Be brief.")
    messages = (USER, _turn("assistant", _thought(asked), text), USER)
    drops = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}

    assert refusal_of(_body(*messages, model=model, system="Be brief.")) is None
    changed = _body(*messages, model=model, system="Be long.")
    assert "different conversation" in (refusal_of(changed) or "")
    assert refusal_of(changed | {"thinking": drops}) is None


def test_a_newer_model_drops_the_thoughts_of_others_without_a_word() -> None:
    thought = _thought(_body(model="claude-opus-4-6"))

    body = _body(USER, _turn("assistant", thought, ANSWER["content"][0]), USER, model="claude-opus-5-5")

    assert refusal_of(body) is None
