from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, ToolCall
from backboard_server.providers.table import Dialect
from backboard_server.providers.wires.openai_chat.history import messages_of
from fake_vendor.dialects.openai_chat_demands import mistrals_refusal

THINKING = Facts(context_limit=1, reasoning_field="reasoning_content")
UNKNOWN = Facts(context_limit=1)
THOUGHT = {"openai_chat": {"reasoning_content": "Hm."}}


def _messages(
    *messages: PromptMessage, dialect: Dialect = "mistral", model: str = "any", facts: Facts = UNKNOWN
) -> list[dict[str, Any]]:
    return messages_of(Prompt(choice=ModelChoice("any", model), messages=messages), dialect, facts)


def _called(*ids: str) -> PromptMessage:
    return PromptMessage("assistant", "", tuple(ToolCall(each, "look", "{}") for each in ids))


def _output(call_id: str) -> PromptMessage:
    return PromptMessage("tool", "It is there.", tool_call_id=call_id)


def _ids(messages: list[dict[str, Any]]) -> list[str]:
    called = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    return called + [message["tool_call_id"] for message in messages if message["role"] == "tool"]


def test_mistral_gets_ids_of_nine_letters_and_digits_and_its_own_as_they_are() -> None:
    sent = _ids(_messages(_called("call_1", "abcDEF123"), _output("call_1"), _output("abcDEF123")))

    assert sent[0] == sent[2]
    assert sent[1] == sent[3] == "abcDEF123"
    assert re.fullmatch("[a-zA-Z0-9]{9}", sent[0])


def test_an_id_is_the_same_in_every_request() -> None:
    first = _ids(_messages(_called("call_1"), _output("call_1")))
    later = _ids(_messages(_called("call_0", "call_1"), _output("call_0"), _output("call_1")))

    assert first[0] == later[1]


@given(st.lists(st.text(max_size=12), unique=True, max_size=20))
def test_no_two_calls_share_an_id(ids: list[str]) -> None:
    sent = _ids(_messages(_called(*ids)))

    assert len(set(sent)) == len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", each) for each in sent)


def test_an_id_that_is_already_taken_is_not_made_again() -> None:
    made = _ids(_messages(_called("call_1")))[0]

    assert len(set(_ids(_messages(_called("call_1", made))))) == 2


@pytest.mark.parametrize(
    ("messages", "roles"),
    [
        (("tool", "user"), ["tool", "assistant", "user"]),
        (("tool", "system"), ["tool", "assistant", "user"]),
        (("tool", "assistant"), ["tool", "assistant"]),
        (("tool", "tool"), ["tool", "tool"]),
        (("assistant", "system"), ["assistant", "user"]),
        (("system", "system", "user"), ["system", "system", "user"]),
    ],
)
def test_mistral_gets_its_own_order_of_roles(messages: tuple[Any, ...], roles: list[str]) -> None:
    sent = _messages(*(PromptMessage(role, "Words.") for role in messages))

    assert [message["role"] for message in sent] == roles


def test_mistral_gets_no_answer_without_words() -> None:
    assert _messages(PromptMessage("assistant", ""))[0]["content"]


def test_what_is_mended_is_what_mistral_refuses() -> None:
    messages = (
        PromptMessage("user", "Look!"),
        _called("call_1"),
        _output("call_1"),
        PromptMessage("user", "And?"),
        PromptMessage("assistant", ""),
        PromptMessage("system", "Be quick."),
        PromptMessage("user", "Well?"),
    )

    assert mistrals_refusal({"messages": _messages(*messages)}) is None
    assert mistrals_refusal({"messages": _messages(*messages, dialect="common")}) is not None


@pytest.mark.parametrize(
    ("model", "is_mended"),
    [
        ("mistralai/mistral-small-4-119b-2603", True),
        ("Devstral-Small-2", True),
        ("open-mixtral-8x7b", True),
        ("openai/gpt-4o", False),
        ("austral-7b", False),
    ],
)
def test_mistrals_models_get_the_same_at_other_hosts(model: str, is_mended: bool) -> None:
    sent = _ids(_messages(_called("call_1"), _output("call_1"), dialect="common", model=model))

    assert (sent[0] != "call_1") is is_mended


def test_other_hosts_get_the_history_as_it_is() -> None:
    sent = _messages(_called("call_1"), _output("call_1"), PromptMessage("user", "And?"), dialect="openai")

    assert [message["role"] for message in sent] == ["assistant", "tool", "user"]
    assert _ids(sent) == ["call_1", "call_1"]


@pytest.mark.parametrize(
    ("dialect", "facts", "thoughts"),
    [
        ("common", THINKING, ["Hm.", " ", " "]),
        ("deepseek", UNKNOWN, ["Hm.", " ", " "]),
        ("moonshot", UNKNOWN, ["Hm.", " ", " "]),
        ("common", UNKNOWN, ["Hm.", None, None]),
        ("openrouter", THINKING, ["Hm.", None, None]),
        ("deepseek", Facts(context_limit=1, may_reason=False), ["Hm.", None, None]),
    ],
)
def test_every_answer_has_a_thought_where_one_is_demanded_back(
    dialect: Dialect, facts: Facts, thoughts: list[str | None]
) -> None:
    own = PromptMessage("assistant", "", (ToolCall("1", "look", "{}"),), sidecar=THOUGHT)
    sent = _messages(
        PromptMessage("user", "Look!"),
        own,
        _output("1"),
        _called("2"),
        _output("2"),
        PromptMessage("assistant", "There."),
        dialect=dialect,
        facts=facts,
    )

    answers = [message for message in sent if message["role"] == "assistant"]
    assert [answer.get("reasoning_content") for answer in answers] == thoughts
    assert not any("reasoning_content" in message for message in sent if message["role"] != "assistant")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('{ "city": "Paris" }', '{ "city": "Paris" }'),
        ("", "{}"),
        ('{"city": "Par', '{"INVALID_JSON":"{\\"city\\": \\"Par"}'),
        ("[1]", '{"INVALID_JSON":"[1]"}'),
    ],
)
def test_arguments_go_out_as_they_were_written_or_can_be_read(written: str, sent: str) -> None:
    (answer,) = _messages(PromptMessage("assistant", "", (ToolCall("1", "look", written),)), dialect="openai")

    assert answer["tool_calls"][0]["function"]["arguments"] == sent
