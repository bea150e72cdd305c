"""Models in the fields of the contract (section F), as every client reads them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec import Struct
from typing_extensions import TypedDict  # pydantic describes no other before Python 3.12

from backboard_server.domain.models import Model, ThinkingControls
from backboard_server.domain.ports import Catalogue

_VIDEO_FIELDS = frozenset(
    {
        "supported_durations", "supported_resolutions", "supported_aspect_ratios", "supported_sizes",
        "supported_frame_images", "generate_audio", "seed", "pricing_skus",
    }
)  # fmt: skip


class ShownThinking(TypedDict):
    """Which fields of `thinking` reach a model; `defaults_only`: it thinks as it likes, if it is told to."""

    supported: bool
    allowed_fields: list[str]
    defaults_only: bool


class ShownModel(Struct, kw_only=True):
    """A model of any type. Costs are US dollars; null is unknown or does not apply, never free."""

    name: str
    provider: str
    model_type: str
    context_limit: int
    max_output_tokens: int | None = None
    display_name: str | None = None
    description: str | None = None
    supports_tools: bool | None = None
    supports_vision: bool | None = None
    supports_pdf_input: bool | None = None
    supports_audio_input: bool | None = None
    supports_video_input: bool | None = None
    supports_image_output: bool | None = None
    supports_audio_output: bool | None = None
    supports_video_output: bool | None = None
    supports_streaming: bool | None = None
    supports_thinking: bool | None = None
    supports_json_output: bool | None = None
    thinking_controls: ShownThinking | None = None
    api_mode: str | None = None
    embedding_dimensions: int | None = None
    input_cost_per_1m_tokens: float | None = None
    cached_input_cost_per_1m_tokens: float | None = None
    cache_write_input_cost_per_1m_tokens: float | None = None
    output_cost_per_1m_tokens: float | None = None
    image_input_cost_per_1m_tokens: float | None = None
    image_output_cost_per_1m_tokens: float | None = None
    audio_input_cost_per_1m_tokens: float | None = None
    cached_audio_input_cost_per_1m_tokens: float | None = None
    audio_output_cost_per_1m_tokens: float | None = None
    cost_per_image: float | None = None
    cost_per_minute: float | None = None
    cost_per_1m_characters: float | None = None
    price_source: str | None = None
    price_dated: str | None = None
    billing: dict[str, Any] | None = None
    supported_input_formats: str | None = None
    supported_output_formats: str | None = None
    architecture: dict[str, Any] | None = None
    supported_parameters: list[str] | None = None
    video_capabilities: dict[str, Any] | None = None
    realtime_capabilities: dict[str, Any] | None = None
    system_one_capabilities: dict[str, Any] | None = None
    is_usable: bool = False
    last_updated: str | None = None


class ShownEmbeddingModel(Struct, kw_only=True):
    """An embedding model. `dimensions` and `max_input_tokens` repeat two fields by their older names."""

    name: str
    provider: str
    embedding_dimensions: int
    context_limit: int
    dimensions: int
    max_input_tokens: int
    input_cost_per_1m_tokens: float | None = None
    is_usable: bool = False
    last_updated: str | None = None


class ShownVideoModel(Struct, kw_only=True):
    """A video model and what can be asked of it; a list that is null is not known."""

    id: str
    name: str
    provider: str
    architecture: dict[str, Any] | None = None
    supported_durations: list[int] | None = None
    supported_resolutions: list[str] | None = None
    supported_aspect_ratios: list[str] | None = None
    supported_sizes: list[str] | None = None
    supported_frame_images: list[str] | None = None
    generate_audio: bool | None = None
    seed: bool | None = None
    pricing_skus: dict[str, Any] = {}
    is_usable: bool = False
    last_updated: str | None = None


class ThinkingMetadata(Struct, kw_only=True):
    """How a model can be told to think."""

    provider: str
    model: str
    max_output_tokens: int | None
    supports_thinking: bool | None
    thinking_controls: ShownThinking


def show(model: Model, catalogue: Catalogue, usable: Collection[str]) -> ShownModel:
    """Return a model as it is listed. Of a model that only a price list knows, abilities are null."""
    price, is_llm = model.price, model.model_type == "llm"
    is_described = not is_llm or model.takes_tools is not None

    def has(medium: str, media: Collection[str]) -> bool | None:
        return medium in media if is_described else None

    return ShownModel(
        name=model.name,
        provider=model.provider,
        model_type=model.model_type,
        context_limit=model.context_limit,
        max_output_tokens=model.max_output_tokens,
        display_name=model.display_name,
        supports_tools=model.takes_tools,
        supports_vision=has("image", model.inputs),
        supports_pdf_input=has("pdf", model.inputs),
        supports_audio_input=has("audio", model.inputs),
        supports_video_input=has("video", model.inputs),
        supports_image_output=has("image", model.outputs),
        supports_audio_output=has("audio", model.outputs),
        supports_video_output=has("video", model.outputs),
        supports_thinking=model.may_reason,
        supports_json_output=model.has_structured_output,
        thinking_controls=_shown(catalogue.thinking(model)) if is_llm else None,
        api_mode=catalogue.api_mode(model),
        input_cost_per_1m_tokens=price.input if price else None,
        cached_input_cost_per_1m_tokens=price.cached_input if price else None,
        cache_write_input_cost_per_1m_tokens=price.cache_write_input if price else None,
        output_cost_per_1m_tokens=price.output if price and model.model_type != "embedding" else None,
        price_source=price.source if price else None,
        price_dated=price.dated.isoformat() if price and price.dated else None,
        billing=None if is_llm else _billing(model),
        architecture=_architecture(model),
        is_usable=model.provider in usable,
        last_updated=_moment(model),
        **_known_details(model),
    )


def show_embedding(model: Model, usable: Collection[str]) -> ShownEmbeddingModel:
    """Return an embedding model, whose dimensions are known."""
    dimensions = model.details["embedding_dimensions"]
    return ShownEmbeddingModel(
        name=model.name,
        provider=model.provider,
        embedding_dimensions=dimensions,
        context_limit=model.context_limit,
        dimensions=dimensions,
        max_input_tokens=model.context_limit,
        input_cost_per_1m_tokens=model.price.input if model.price else None,
        is_usable=model.provider in usable,
        last_updated=_moment(model),
    )


def show_video(model: Model, usable: Collection[str]) -> ShownVideoModel:
    """Return a video model; what a provider says beyond these fields is in `video_capabilities`."""
    able: dict[str, Any] = model.details.get("video_capabilities", {})
    return ShownVideoModel(
        id=model.name,
        name=model.display_name or model.name,
        provider=model.provider,
        architecture=_architecture(model),
        is_usable=model.provider in usable,
        last_updated=_moment(model),
        **{name: value for name, value in able.items() if name in _VIDEO_FIELDS},
    )


def show_thinking(model: Model, controls: ThinkingControls) -> ThinkingMetadata:
    """Return how a model can be told to think."""
    return ThinkingMetadata(
        provider=model.provider,
        model=model.name,
        max_output_tokens=model.max_output_tokens,
        supports_thinking=model.may_reason,
        thinking_controls=_shown(controls),
    )


def _shown(controls: ThinkingControls) -> ShownThinking:
    return {
        "supported": controls.is_supported,
        "allowed_fields": [*controls.allowed],
        "defaults_only": controls.is_supported and not controls.allowed,
    }


def _known_details(model: Model) -> dict[str, Any]:
    """Return the fields that a model has beside its own; every language model streams."""
    streaming: dict[str, Any] = {"supports_streaming": True} if model.model_type == "llm" else {}
    return streaming | {name: value for name, value in model.details.items() if name in _DETAIL_FIELDS}


def _architecture(model: Model) -> dict[str, Any]:
    return {
        "modality": f"{'+'.join(model.inputs)}->{'+'.join(model.outputs)}",
        "input_modalities": model.inputs,
        "output_modalities": model.outputs,
    }


def _billing(model: Model) -> dict[str, Any] | None:
    """Return by what a model is billed, with rates as text, or None where that is not known."""
    details = model.details
    rates: dict[str, tuple[tuple[str, float | None], ...]] = {
        "duration": (("minute", details.get("cost_per_minute")),),
        "characters": (("1m_characters", details.get("cost_per_1m_characters")),),
        "images": (("image", details.get("cost_per_image")),),
        "tokens": (
            ("1m_input_tokens", model.price.input if model.price else None),
            ("1m_output_tokens", (model.price.output or None) if model.price else None),
            ("1m_audio_input_tokens", details.get("audio_input_cost_per_1m_tokens")),
            ("1m_audio_output_tokens", details.get("audio_output_cost_per_1m_tokens")),
        ),
    }
    for basis, known in rates.items():
        if any(rate is not None for _, rate in known):
            shown = [{"rate": f"{rate:.10g}", "unit": unit} for unit, rate in known if rate is not None]
            return {"basis": basis, "rates": shown}
    skus = details.get("video_capabilities", {}).get("pricing_skus")
    return (
        {"basis": "video", "rates": [{"rate": str(r), "unit": u} for u, r in skus.items()]} if skus else None
    )


def _moment(model: Model) -> str | None:
    return f"{model.last_updated.isoformat()}T00:00:00Z" if model.last_updated else None


_DETAIL_FIELDS = frozenset(ShownModel.__struct_fields__) - {"name", "provider", "model_type", "is_usable"}
