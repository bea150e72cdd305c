"""The choice of tools: what is sent of it, to whom, and what is left of it after a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, ToolChoice
from backboard_server.providers._tool_choice import Forcing, is_forced, settled, unforced

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look_up"}}
PROMPT = Prompt(
    choice=ModelChoice("here", "model"), messages=(PromptMessage("user", "Where?"),), tools=(TOOL,)
)
AUTO, NONE, ANY = ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")
NAMED = ToolChoice("function", "look_up")


def _with(choice: ToolChoice | None) -> Prompt:
    return replace(PROMPT, tool_choice=choice)


@pytest.mark.parametrize(
    ("choice", "forcing", "sent"),
    [
        (None, "named", None),
        (AUTO, "named", None),
        (NONE, "never", NONE),
        (ANY, "named", ANY),
        (ANY, "any", ANY),
        (ANY, "never", None),
        (NAMED, "named", NAMED),
        (NAMED, "any", ANY),
        (NAMED, "never", None),
        (ToolChoice("function", "unknown"), "named", None),
    ],
)
def test_a_choice_becomes_the_next_best_that_a_model_takes(
    choice: ToolChoice | None, forcing: Forcing, sent: ToolChoice | None
) -> None:
    prompt = settled(_with(choice), forcing)

    assert (prompt.tool_choice, prompt.tools) == (sent, (TOOL,))


@pytest.mark.parametrize("choice", [AUTO, NONE, ANY, NAMED])
def test_without_tools_there_is_no_choice(choice: ToolChoice) -> None:
    assert settled(replace(PROMPT, tools=(), tool_choice=choice)).tool_choice is None


def test_the_tools_are_left_out_where_there_is_no_word_for_none() -> None:
    assert settled(_with(NONE), takes_none=False) == replace(PROMPT, tools=())


@pytest.mark.parametrize(("choice", "expected"), [(None, False), (AUTO, False), (NONE, False), (NAMED, True)])
def test_to_be_forced_is_to_have_to_call(choice: ToolChoice | None, expected: bool) -> None:
    assert is_forced(_with(choice)) is expected
    assert not is_forced(replace(PROMPT, tools=(), tool_choice=choice))


@pytest.mark.parametrize(
    "said",
    [
        "Thinking mode does not support this tool_choice",
        "tool_choice 'specified' is incompatible with thinking enabled",
        "Thinking may not be enabled when tool_choice forces tool use.",
        "This model doesn't support the toolConfig.toolChoice.any field.",
        "Function calling config is set without function_declarations.",
        "Tool choice must be auto",
    ],
)
def test_a_choice_that_was_refused_is_given_up(said: str) -> None:
    assert unforced(_with(NAMED), said) == PROMPT
    assert unforced(_with(NONE), said) == replace(PROMPT, tools=())


def test_a_refusal_of_something_else_leaves_the_choice() -> None:
    assert unforced(_with(NAMED), "messages.3: Invalid `signature` in `thinking` block") is None


@pytest.mark.parametrize("choice", [None, AUTO])
def test_without_a_choice_there_is_nothing_to_give_up(choice: ToolChoice | None) -> None:
    assert unforced(_with(choice), "Invalid tool_choice") is None
