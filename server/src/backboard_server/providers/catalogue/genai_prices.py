"""What `genai-prices` knows, as tools/prices.py has condensed it: prices, and models too new for others."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct, structs

from backboard_server.domain.models import Model, Price

from .kinds import kind_of


class _Rates(Struct, frozen=True, gc=False):
    input: float
    output: float = 0.0
    cached_input: float | None = None
    cache_write_input: float | None = None
    reasoning: float | None = None
    tier_input_tokens: int | None = None
    tier: _Rates | None = None


class _Entry(Struct, frozen=True, gc=False):
    provider: str
    name: str
    names: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()
    context: int = 0
    is_model: bool = False
    price: _Rates | None = None
    details: dict[str, Any] = {}


class _File(Struct, frozen=True):
    version: str
    dated: date
    models: list[_Entry]


class Prices:
    """Prices by provider and name."""

    def __init__(self) -> None:
        """Read the file."""
        content = (files(__name__.rpartition(".")[0]) / "genai_prices.json").read_bytes()
        self._file = msgspec.json.decode(content, type=_File)
        self._by_provider: dict[str, list[_Entry]] = defaultdict(list)
        self._by_name: dict[tuple[str, str], _Entry] = {}
        for entry in self._file.models:
            self._by_provider[entry.provider].append(entry)
            for name in entry.names:
                self._by_name[entry.provider, name.lower()] = entry

    def complete(self, model: Model) -> Model:
        """Return the model with what it lacks of price, context window and other rates, if they are here."""
        if model.price and model.context_limit and model.model_type == "llm":
            return model
        entry = self._find(model.provider, model.name.lower())
        if entry is None:
            return model
        return structs.replace(
            model,
            price=model.price or (_price(entry.price, self._file.dated) if entry.price else None),
            context_limit=model.context_limit or entry.context,
            details=entry.details | model.details,
        )

    def models(self) -> list[Model]:
        """Return the entries that are models by themselves. What they can do is not known."""
        made = (self._model(entry) for entry in self._file.models if entry.is_model)
        return [model for model in made if model]

    def _model(self, entry: _Entry) -> Model | None:
        kind = kind_of(entry.name)
        price = _price(entry.price, self._file.dated) if entry.price else None
        if kind == "llm":
            if entry.name.endswith(":free"):
                price = price or Price(input=0, output=0, source="genai-prices", dated=self._file.dated)
            if not entry.context or not price or (entry.price and not entry.price.output):
                return None  # retired, or no name that one could call, or not something that answers in words
        if kind is None or entry.name.startswith("~"):
            return None
        return Model(
            name=entry.name,
            provider=entry.provider,
            model_type=kind,
            context_limit=entry.context,
            price=price,
            details=entry.details,
            last_updated=self._file.dated,
        )

    def _find(self, provider: str, name: str) -> _Entry | None:
        """Return the entry of exactly this name, else that of its longest known beginning."""
        exact = self._by_name.get((provider, name))
        if exact:
            return exact
        found: tuple[int, _Entry] | None = None
        for entry in self._by_provider.get(provider, ()):
            for beginning in entry.beginnings:
                if name.startswith(beginning) and (found is None or len(beginning) > found[0]):
                    found = len(beginning), entry
        return found[1] if found else None


def _price(rates: _Rates, dated: date) -> Price:
    return Price(
        input=rates.input,
        output=rates.output,
        cached_input=rates.cached_input,
        cache_write_input=rates.cache_write_input,
        reasoning=rates.reasoning,
        tier_input_tokens=rates.tier_input_tokens,
        tier=_price(rates.tier, dated) if rates.tier else None,
        source="genai-prices",
        dated=dated,
    )
