"""What providers list themselves: each one's `/models`, read with suspicion and bounded in number.

Formats: platform.openai.com/docs/api-reference/models/list, docs.anthropic.com/en/api/models-list,
ai.google.dev/api/models, openrouter.ai/docs/models, openrouter.ai/docs/features/multimodal/video-generation.
OpenAI-compatible hosts add limits in fields of their own; those that several of them share are read.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from datetime import date
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct, structs

from backboard_server.domain.models import Model, Price

from ._failures import Failure
from ._hosts import Host
from ._http import Call, Egress
from .catalogue.kinds import kind_of

MODELS_MAX = 50_000
PAGES_MAX = 50
NAME_CHARACTERS_MAX = 300
_TOKENS_MAX = 1_000_000_000
_PARAMETERS_MAX = 100
_ANTHROPIC_VERSION = "2023-06-01"


class _Architecture(Struct):
    input_modalities: list[str] = []
    output_modalities: list[str] = []


class _TopProvider(Struct):
    max_completion_tokens: int | None = None


class _Listed(Struct):
    """A model as an OpenAI-compatible host lists it; all but the id is what some hosts add."""

    id: str
    name: str | None = None
    display_name: str | None = None
    context_length: int | None = None  # OpenRouter, Together, Featherless
    context_window: int | None = None  # Groq
    max_context_length: int | None = None  # Mistral
    max_model_len: int | None = None  # vLLM
    architecture: _Architecture | None = None
    pricing: dict[str, Any] | None = None
    top_provider: _TopProvider | None = None
    supported_parameters: list[str] | None = None


class _ListedVideo(Struct):
    id: str
    name: str | None = None
    supported_resolutions: list[str] | None = None
    supported_aspect_ratios: list[str] | None = None
    supported_sizes: list[str] | None = None
    supported_durations: list[int] | None = None
    supported_frame_images: list[str] | None = None
    generate_audio: bool | None = None
    seed: bool | None = None
    pricing_skus: dict[str, Any] | None = None


class _ListedClaude(Struct):
    id: str
    display_name: str | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class _ClaudePage(Struct):
    data: list[_ListedClaude]
    has_more: bool = False
    last_id: str | None = None


class _ListedGemini(Struct, rename="camel"):
    name: str
    display_name: str | None = None
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: list[str] = []
    thinking: bool | None = None


class _GeminiPage(Struct, rename="camel"):
    models: list[_ListedGemini] = []
    next_page_token: str | None = None


class _Envelope(Struct):
    data: list[msgspec.Raw]


async def fetch(egress: Egress, host: Host, today: date) -> list[Model]:
    """Return what a host lists `today`. Raises Failure where it does not answer, or not in its format."""
    pages = {"anthropic": _anthropic, "gemini": _gemini}.get(host.row.wire, _compatible)
    found: dict[str, Model] = {}
    try:
        async for page in pages(egress, host):
            found.update((model.name, _dated(model, today)) for model in page if _is_name(model.name))
            if len(found) > MODELS_MAX:
                raise Failure("malformed", f"it lists more than {MODELS_MAX:,} models")
    except msgspec.MsgspecError as error:
        raise Failure("malformed", f"not a list of models: {error}") from error
    return list(found.values())


async def _compatible(egress: Egress, host: Host) -> AsyncGenerator[list[Model]]:
    headers = host.authorization()
    is_openrouter = host.row.dialect == "openrouter"
    # Without it, OpenRouter lists only what answers in text.
    query = "?output_modalities=all" if is_openrouter else ""
    body = await _get(egress, f"{host.base_url}/models{query}", headers)
    yield [model for entry in _entries(body) if (model := _from_compatible(host, entry))]
    if is_openrouter:
        body = await _get(egress, f"{host.base_url}/videos/models", headers)
        yield [_from_video(host, msgspec.json.decode(entry, type=_ListedVideo)) for entry in _entries(body)]


async def _anthropic(egress: Egress, host: Host) -> AsyncGenerator[list[Model]]:
    root = host.base_url.removesuffix("/messages").removesuffix("/v1")
    headers = {"x-api-key": host.key, "anthropic-version": _ANTHROPIC_VERSION}
    after = ""
    for _ in range(PAGES_MAX):
        body = await _get(egress, f"{root}/v1/models?limit=1000{after}", headers)
        page = msgspec.json.decode(body, type=_ClaudePage)
        yield [_from_claude(host, listed) for listed in page.data]
        if not page.has_more or not page.last_id:
            return
        after = f"&after_id={quote(page.last_id, safe='')}"


async def _gemini(egress: Egress, host: Host) -> AsyncGenerator[list[Model]]:
    root = host.base_url.removesuffix("/openai")
    root = root if root.rpartition("/")[2] in ("v1", "v1beta") else f"{root}/v1beta"
    after = ""
    for _ in range(PAGES_MAX):
        body = await _get(egress, f"{root}/models?pageSize=1000{after}", {"x-goog-api-key": host.key})
        page = msgspec.json.decode(body, type=_GeminiPage)
        yield [model for listed in page.models if (model := _from_gemini(host, listed))]
        if not page.next_page_token:
            return
        after = f"&pageToken={quote(page.next_page_token, safe='')}"


async def _get(egress: Egress, url: str, headers: dict[str, str]) -> bytes:
    async with egress.open(Call(url=url, headers=headers)) as reply:
        return await reply.read_all()


def _entries(body: bytes) -> Iterable[msgspec.Raw]:
    """Return the entries undecoded: together.ai sends a bare array, the others an object around it."""
    if body.lstrip().startswith(b"["):
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    return msgspec.json.decode(body, type=_Envelope).data


def _from_compatible(host: Host, entry: msgspec.Raw) -> Model | None:
    try:
        listed = msgspec.json.decode(entry, type=_Listed)
    except msgspec.ValidationError:
        listed = _Listed(
            msgspec.json.decode(entry, type=_Id).id
        )  # a field of another host's by the same name
    outputs = tuple(listed.architecture.output_modalities) if listed.architecture else ("text",)
    kind = kind_of(listed.id, outputs or ("text",))
    if kind is None:
        return None
    parameters = listed.supported_parameters
    return Model(
        name=listed.id,
        provider=host.row.id,
        model_type=kind,
        context_limit=_tokens(
            listed.context_length
            or listed.context_window
            or listed.max_context_length
            or listed.max_model_len
        ),
        max_output_tokens=(_tokens(listed.top_provider.max_completion_tokens) or None)
        if listed.top_provider
        else None,
        display_name=_label(listed.display_name or listed.name),
        inputs=_inputs(listed.architecture.input_modalities) if listed.architecture else ("text",),
        outputs=outputs or ("text",),
        takes_tools=None if parameters is None else "tools" in parameters,
        may_reason=None if parameters is None else "reasoning" in parameters,
        has_structured_output=None if parameters is None else "structured_outputs" in parameters,
        price=_price(listed.pricing) if listed.pricing and host.row.dialect == "openrouter" else None,
        details={"supported_parameters": parameters[:_PARAMETERS_MAX]} if parameters else {},
    )


class _Id(Struct):
    id: str


def _from_video(host: Host, listed: _ListedVideo) -> Model:
    told = structs.asdict(listed)
    able = {name: value for name, value in told.items() if name not in ("id", "name") and value is not None}
    return Model(
        name=listed.id,
        provider=host.row.id,
        model_type="video",
        display_name=_label(listed.name),
        inputs=("text", "image") if listed.supported_frame_images else ("text",),
        outputs=("video",),
        details={"video_capabilities": able},
    )


def _from_claude(host: Host, listed: _ListedClaude) -> Model:
    return Model(
        name=listed.id,
        provider=host.row.id,
        model_type="llm",
        context_limit=_tokens(listed.max_input_tokens),
        max_output_tokens=_tokens(listed.max_tokens) or None,
        display_name=_label(listed.display_name),
    )


def _from_gemini(host: Host, listed: _ListedGemini) -> Model | None:
    name = listed.name.removeprefix("models/")
    kind = "embedding" if "embedContent" in listed.supported_generation_methods else kind_of(name)
    if kind is None:
        return None
    return Model(
        name=name,
        provider=host.row.id,
        model_type=kind,
        context_limit=_tokens(listed.input_token_limit),
        max_output_tokens=_tokens(listed.output_token_limit) or None,
        display_name=_label(listed.display_name),
        may_reason=listed.thinking,
    )


def _price(pricing: dict[str, Any]) -> Price | None:
    """Return OpenRouter's price: text in dollars for one token, where -1 stands for `it depends`."""
    prompt, completion = _rate(pricing.get("prompt")), _rate(pricing.get("completion"))
    if prompt is None or completion is None:
        return None
    return Price(
        input=prompt,
        output=completion,
        cached_input=_rate(pricing.get("input_cache_read")),
        cache_write_input=_rate(pricing.get("input_cache_write")),
        reasoning=_rate(pricing.get("internal_reasoning")) or None,
        source="provider",
    )


def _rate(text: object) -> float | None:
    try:
        rate = float(str(text)) * 1_000_000
    except ValueError:
        return None
    return round(rate, 6) if 0 <= rate < 1_000_000 else None


def _tokens(count: int | None) -> int:
    return count if count and 0 < count < _TOKENS_MAX else 0


def _label(text: str | None) -> str | None:
    return text[:NAME_CHARACTERS_MAX] if text else None


def _inputs(modalities: list[str]) -> tuple[str, ...]:
    """Return the kinds of media by our words: OpenRouter calls every kind of document a file."""
    return tuple("pdf" if modality == "file" else modality for modality in modalities) or ("text",)


def _dated(model: Model, today: date) -> Model:
    price = structs.replace(model.price, dated=today) if model.price else None
    return structs.replace(model, price=price, last_updated=today)


def _is_name(name: str) -> bool:
    return 0 < len(name) <= NAME_CHARACTERS_MAX and name.isprintable()
