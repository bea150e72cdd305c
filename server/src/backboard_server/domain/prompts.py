"""What a model is given, and what it gives back: the prompt and the deltas of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from .keys import Secret

PromptRole = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
MediaKind = Literal["image", "pdf", "audio"]
Effort = Literal["none", "minimal", "low", "medium", "high", "max"]


class ToolCall(Struct, frozen=True):
    """A model's wish to call a function; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class Media(Struct, frozen=True, kw_only=True):
    """A file that a model may look at or listen to; `media_type` is what its bytes are, not its name."""

    kind: MediaKind
    media_type: str
    filename: str
    content: bytes


Sidecar = dict[str, Any]
"""What a wire wants to see again of an answer, in its own words, under its own name.

Signatures of thoughts, encrypted reasoning, the order of blocks: what the neutral history cannot hold. A wire
reads nothing but what it wrote; an answer that goes back to another provider goes without.
"""


class PromptMessage(Struct, frozen=True):
    """One message as the model sees it. `provider` says who wrote an answer, and whose its `sidecar` is."""

    role: PromptRole
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    media: tuple[Media, ...] = ()
    provider: str | None = None
    sidecar: Sidecar | None = None


class ModelChoice(Struct, frozen=True):
    """Which model of which provider."""

    provider: str
    model: str


class Thinking(Struct, frozen=True, kw_only=True):
    """How hard the model is to think: an effort, a number of tokens, or neither, which is its own default.

    With `is_hidden` it thinks and does not show it.
    """

    effort: Effort | None = None
    budget_tokens: int | None = None
    is_hidden: bool = False


class ResponseFormat(Struct, frozen=True, kw_only=True):
    """The form of the answer: one JSON object, or JSON that follows `schema` (JSON Schema)."""

    schema: dict[str, Any] | None = None
    name: str = "answer"
    is_strict: bool = False


class ToolChoice(Struct, frozen=True):
    """Whether the model calls tools: as it likes, none, at least one, or the function of that `name`."""

    mode: Literal["auto", "none", "required", "function"]
    name: str | None = None


class Prompt(Struct, frozen=True, kw_only=True):
    """One call of a model, in nobody's wire format.

    `tools` are as the contract has them (A.1): `{"type": "function", "function": {"name", "parameters", …}}`.
    Without `tool_choice` the model calls them as it likes; without tools it means nothing.
    `keys` holds the tenant's own keys by provider; they go before the server's.
    """

    choice: ModelChoice
    messages: tuple[PromptMessage, ...]
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    thinking: Thinking | None = None
    openrouter: dict[str, Any] | None = None
    keys: Mapping[str, Secret] = {}


class Usage(Struct, frozen=True):
    """Tokens as the provider counted them.

    `input_tokens` counts all that went in; the cached and the cache-written are part of it. `output_tokens`
    counts all that came out; reasoning is part of it. `cost_usd` is what the provider itself says it charges.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None

    def plus(self, other: Usage) -> Usage:
        """Return the sum of two calls; what they cost is known only where both say so."""
        is_priced = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_input_tokens + other.cache_write_input_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            (self.cost_usd or 0) + (other.cost_usd or 0) if is_priced else None,
        )


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
    sidecar: Sidecar | None = None


Delta = TextDelta | ReasoningDelta | ToolCallDelta | Finish
