"""Models: what is known of an AI model, and what it costs (contract F)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from msgspec import Struct

from .prompts import MediaKind

ModelType = Literal["llm", "embedding", "image", "video", "stt", "tts", "realtime", "system_one"]
PriceSource = Literal["provider", "models.dev", "genai-prices", "backboard"]


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


class Model(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A model of the catalogue, in the fields of the contract. Costs are US dollars per million tokens."""

    name: str
    provider: str
    model_type: ModelType
    context_limit: int
    max_output_tokens: int | None = None
    display_name: str | None = None
    description: str | None = None
    supports_tools: bool = False
    supports_vision: bool = False
    supports_pdf_input: bool = False
    supports_audio_input: bool = False
    supports_video_input: bool = False
    supports_image_output: bool = False
    supports_audio_output: bool = False
    supports_video_output: bool = False
    supports_streaming: bool = True
    supports_thinking: bool = False
    supports_json_output: bool = False
    price: Price | None = None
    details: dict[str, Any] = {}
    last_updated: date | None = None


class Facts(Struct, frozen=True, kw_only=True):
    """What matters of a model when it is called. Of an unknown model everything is hoped for."""

    context_limit: int
    max_output_tokens: int | None = None
    takes: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})
    takes_tools: bool = True
    may_reason: bool = True
    has_structured_output: bool = False
    is_known: bool = False
    is_free: bool = False  # nobody is paid for calls: the model runs on the operator's own machine
    price: Price | None = None
