"""Models: what is known of an AI model, and what it costs (contract F)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from msgspec import Struct

from .prompts import MediaKind

ModelType = Literal["llm", "embedding", "image", "video", "stt", "tts", "realtime", "system_one"]
PriceSource = Literal["provider", "models.dev", "genai-prices", "backboard"]
ThinkingField = Literal["effort", "budget_tokens", "max_tokens", "exclude_reasoning"]


class Price(Struct, frozen=True, kw_only=True):
    """What a model costs, in US dollars for a million tokens; None where a rate is not known.

    Rates that are missing follow their neighbour: cached and cache-written input cost what input costs,
    reasoning what output costs. Above `tier_input_tokens` of input in one call the `tier` applies.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write_input: float | None = None
    reasoning: float | None = None
    tier_input_tokens: int | None = None
    tier: Price | None = None
    source: PriceSource
    dated: date | None = None


class Model(Struct, frozen=True, kw_only=True, gc=False):
    """A model of the catalogue: one name at one provider.

    `context_limit` is 0 where it is unknown or means nothing, as for speech; None elsewhere is unknown too.
    `inputs` and `outputs` are kinds of media: text, image, pdf, audio, video. `details` holds whatever else
    the contract has a field for, by the contract's own names: prices that are not for tokens, what a video
    model can do, formats of sound. `reasoning_field` names the field of an answer in which a model that
    reasons between its calls of tools wants to see that again.
    """

    name: str
    provider: str
    model_type: ModelType
    context_limit: int = 0
    max_output_tokens: int | None = None
    display_name: str | None = None
    inputs: tuple[str, ...] = ("text",)
    outputs: tuple[str, ...] = ("text",)
    takes_tools: bool | None = None
    may_reason: bool | None = None
    has_structured_output: bool | None = None
    reasoning_field: str | None = None
    price: Price | None = None
    details: dict[str, Any] = {}
    last_updated: date | None = None


class ThinkingControls(Struct, frozen=True):
    """Which fields of `thinking` reach a model: those of `allowed`, or none but its own defaults."""

    is_supported: bool = False
    allowed: tuple[ThinkingField, ...] = ()


class Facts(Struct, frozen=True, kw_only=True):
    """What matters of a model when it is called. Of an unknown model everything is hoped for."""

    context_limit: int
    max_output_tokens: int | None = None
    takes: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})
    takes_tools: bool = True
    may_reason: bool = True
    has_structured_output: bool = False
    reasoning_field: str | None = None  # of an answer, in which the model wants its reasoning back
    is_known: bool = False
    is_free: bool = False  # nobody is paid for calls: the model runs on the operator's own machine
    price: Price | None = None
