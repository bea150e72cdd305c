"""What a model is given, and what it gives back: the prompt and the deltas of its answer."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

PromptRole = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class ToolCall(Struct, frozen=True):
    """A model's wish to call a function; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class PromptMessage(Struct, frozen=True):
    """One message as the model sees it."""

    role: PromptRole
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class ModelChoice(Struct, frozen=True):
    """Which model of which provider."""

    provider: str
    model: str


class Prompt(Struct, frozen=True, kw_only=True):
    """One call of a model, in nobody's wire format."""

    choice: ModelChoice
    messages: tuple[PromptMessage, ...]
    tools: tuple[dict[str, Any], ...] = ()
    json_output: bool = False
    thinking: dict[str, Any] | None = None
    openrouter: dict[str, Any] | None = None


class Usage(Struct, frozen=True):
    """Tokens as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    reasoning_tokens: int = 0


class TextDelta(Struct, frozen=True):
    """More of the answer."""

    text: str


class ReasoningDelta(Struct, frozen=True):
    """More of the model's reasoning, where the host sends it."""

    text: str


class ToolCallDelta(Struct, frozen=True):
    """More of a tool call. The first delta of an index carries id and name; arguments come in pieces."""

    index: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None


class Finish(Struct, frozen=True):
    """The end of an answer: always the last delta, exactly once. A stream without it is truncated."""

    reason: FinishReason
    usage: Usage | None = None
    model: str | None = None


Delta = TextDelta | ReasoningDelta | ToolCallDelta | Finish
