"""Messages as they are asked for: which part of a request holds for its run alone, and is kept with it."""

from __future__ import annotations

import msgspec

from backboard_server.domain.messages import RunOptions, SendMessage
from backboard_server.domain.prompts import ModelChoice, Thinking, ToolChoice

ASKED = SendMessage(
    content="Hi",
    stream=True,
    metadata={"mine": 1},
    system_prompt="Once",
    tools=[],
    tool_choice=ToolChoice("none"),
    thinking=Thinking(effort="low"),
    json_output=True,
    fallbacks=[ModelChoice("openai", "gpt-4o")],
)


def test_the_options_of_a_message_are_what_holds_for_its_run_and_nothing_else() -> None:
    assert type(ASKED.options()) is RunOptions
    assert ASKED.options() == RunOptions(
        system_prompt="Once",
        tools=[],
        tool_choice=ToolChoice("none"),
        thinking=Thinking(effort="low"),
        json_output=True,
        fallbacks=[ModelChoice("openai", "gpt-4o")],
    )


def test_options_come_back_as_they_were_kept() -> None:
    kept = msgspec.json.encode(ASKED.options())

    assert msgspec.json.decode(kept, type=RunOptions) == ASKED.options()


def test_what_was_not_asked_is_not_kept_so_that_the_assistants_own_holds() -> None:
    assert msgspec.json.encode(SendMessage(content="Hi").options()) == b"{}"
    assert msgspec.json.encode(RunOptions(tools=[])) == b'{"tools":[]}'
