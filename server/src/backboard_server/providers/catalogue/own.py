"""Our own, dated corrections: models that the packages lack, or know too little of (own_models.json)."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from backboard_server.domain.models import Model, ModelType, Price


class _Rates(Struct, frozen=True, gc=False):
    input: float
    output: float
    cached_input: float | None = None


class _Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model, or what is to be said differently of one; `source` is where it was read, `dated` when."""

    provider: str
    name: str
    model_type: ModelType
    source: str
    dated: date
    context_limit: int | UnsetType = UNSET
    max_output_tokens: int | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    inputs: tuple[str, ...] | UnsetType = UNSET
    outputs: tuple[str, ...] | UnsetType = UNSET
    takes_tools: bool | UnsetType = UNSET
    may_reason: bool | UnsetType = UNSET
    has_structured_output: bool | UnsetType = UNSET
    price: _Rates | UnsetType = UNSET
    details: dict[str, Any] = {}


class _Dimensions(Struct, frozen=True):
    about: str
    parts: list[tuple[str, int]]


class _File(Struct, frozen=True):
    about: str
    models: list[_Entry]
    dimensions: _Dimensions


class Corrections:
    """What we say, in front of what the packages say."""

    def __init__(self) -> None:
        """Read the file."""
        content = (files(__name__.rpartition(".")[0]) / "own_models.json").read_bytes()
        self._file = msgspec.json.decode(content, type=_File)

    def apply(self, models: dict[tuple[str, str], Model]) -> None:
        """Add our models to those by provider and name, and correct those that are there."""
        for entry in self._file.models:
            key = entry.provider, entry.name
            models[key] = _said(models.get(key) or _blank(entry), entry)

    def with_dimensions(self, model: Model) -> Model:
        """Return an embedding model with the length of its vectors, where it is known."""
        if model.model_type != "embedding" or "embedding_dimensions" in model.details:
            return model
        name = model.name.lower()
        found = next((length for part, length in self._file.dimensions.parts if part in name), None)
        if found is None:
            return model
        return structs.replace(model, details=model.details | {"embedding_dimensions": found})


def _blank(entry: _Entry) -> Model:
    return Model(name=entry.name, provider=entry.provider, model_type=entry.model_type)


def _said(model: Model, entry: _Entry) -> Model:
    said = {
        name: value
        for name in model.__struct_fields__
        if (value := getattr(entry, name, UNSET)) is not UNSET and name not in ("price", "details")
    }
    price = model.price if entry.price is UNSET else _price(entry.price, entry.dated)
    details = model.details | entry.details
    return structs.replace(model, **said, price=price, details=details, last_updated=entry.dated)


def _price(rates: _Rates, dated: date) -> Price:
    return Price(**structs.asdict(rates), source="backboard", dated=dated)
