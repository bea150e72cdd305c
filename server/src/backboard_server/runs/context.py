"""The prompt of a run: what the model is shown of the thread, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from backboard_server.domain.messages import SendMessage
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage
from backboard_server.domain.threads import HistoryMessage, Turn
from backboard_server.domain.tokens import estimate_message_tokens, estimate_tokens

HISTORY_SHARE = 0.5  # of the context window; the rest is for the system prompt and the answer

_SUMMARY_HEADER = "Summary of the earlier part of this conversation, which is no longer shown:\n"


class Context(Struct, frozen=True):
    """A prompt and what it is estimated to cost: `tokens` as we count, before the thread's correction."""

    prompt: Prompt
    tokens: int
    summary_tokens: int


def history_budget(context_limit: int, tokens_max: int) -> int:
    """Return how many tokens of history to show to a model with this context window."""
    return min(tokens_max, int(context_limit * HISTORY_SHARE))


def assemble(turn: Turn, message: SendMessage, choice: ModelChoice, filenames: Sequence[str] = ()) -> Context:
    """Return the prompt: system prompt, summary of what no longer fits, history, and the new message.

    `filenames` came with the message: the model is told of them, as it cannot read them.
    """
    system_prompt = message.system_prompt if message.system_prompt is not None else turn.system_prompt
    messages: list[PromptMessage] = []
    if system_prompt:
        messages.append(PromptMessage("system", system_prompt))
    if turn.summary:
        messages.append(PromptMessage("system", _SUMMARY_HEADER + turn.summary))
    messages.extend(_replayed(turn.history))
    messages.append(PromptMessage("user", _with_filenames(message.content, filenames)))
    tools = message.tools if message.tools is not None else turn.tools
    prompt = Prompt(
        choice=choice,
        messages=tuple(messages),
        tools=tuple(tools or ()),
        json_output=message.json_output,
        thinking=message.thinking,
        openrouter=message.openrouter,
    )
    return Context(prompt, _estimate(messages, tools), turn.summary_tokens if turn.summary else 0)


def _with_filenames(content: str, filenames: Sequence[str]) -> str:
    if not filenames:
        return content
    return f"{content}\n\n[Files attached, whose contents are not shown: {', '.join(filenames)}]".strip()


def _replayed(history: list[HistoryMessage]) -> list[PromptMessage]:
    """Return the history in a form that every provider takes.

    What failed before a word was said is left out. Tool calls are shown only together with all their outputs,
    which follow them at once, as providers refuse anything else; a window that was cut in between drops the
    loose ends. Read backwards, as models use ids again: an output belongs to the nearest call before it.
    """
    outputs: dict[str | None, str] = {}
    shown: list[PromptMessage] = []
    for message in reversed(history):
        calls = tuple(message.tool_calls or ())
        if message.role == "tool":
            outputs[message.tool_call_id] = message.content
        elif calls and all(call.id in outputs for call in calls):
            shown.extend(
                PromptMessage("tool", outputs[call.id], tool_call_id=call.id) for call in reversed(calls)
            )
            shown.append(PromptMessage("assistant", message.content, tool_calls=calls))
        elif message.content:
            shown.append(PromptMessage(message.role, message.content))
        for call in calls:
            outputs.pop(call.id, None)
    return shown[::-1]


def _estimate(messages: list[PromptMessage], tools: list[dict[str, Any]] | None) -> int:
    text = sum(estimate_message_tokens(message.content) for message in messages)
    calls = sum(
        estimate_tokens(call.name + call.arguments) for message in messages for call in message.tool_calls
    )
    return text + calls + sum(estimate_tokens(str(tool)) for tool in tools or ())
