"""Which models are meant: by filters, or by a name that may be written in several ways."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from msgspec import Struct

from backboard_server.domain.errors import NotFound
from backboard_server.domain.models import Model, ModelType
from backboard_server.domain.ports import Catalogue

CLOSEST_MAX = 5
_WORDS = re.compile(r"[a-z]+|\d+")

# Whose own models come first where several providers have one of the same name.
_MAKERS = (
    "openai", "anthropic", "google", "xai", "mistral", "deepseek", "cohere", "perplexity", "moonshotai",
    "alibaba", "zai", "minimax", "nvidia", "xiaomi", "stepfun", "elevenlabs", "typesafe",
)  # fmt: skip
_RANKS = {provider: rank for rank, provider in enumerate(_MAKERS)}


class Filters(Struct, frozen=True, kw_only=True):
    """What is asked of models; None asks nothing. `provider` is an id or an alias, in any case."""

    model_type: ModelType | None = None
    provider: str | None = None
    supports_tools: bool | None = None
    supports_vision: bool | None = None
    min_context: int | None = None
    max_context: int | None = None
    min_dimensions: int | None = None
    max_dimensions: int | None = None


def select(catalogue: Catalogue, filters: Filters) -> list[Model]:
    """Return the models that pass, in the catalogue's order. What is unknown of a model passes for no."""
    provider = catalogue.find_provider(filters.provider) if filters.provider else None
    return [
        model
        for model in catalogue.models()
        if (filters.model_type is None or model.model_type == filters.model_type)
        and (provider is None or model.provider == provider)
        and (filters.supports_tools is None or bool(model.takes_tools) == filters.supports_tools)
        and (filters.supports_vision is None or ("image" in model.inputs) == filters.supports_vision)
        and _is_within(model.context_limit, filters.min_context, filters.max_context)
        and _is_within(
            model.details.get("embedding_dimensions", 0), filters.min_dimensions, filters.max_dimensions
        )
    ]


def list_providers(models: Sequence[Model]) -> list[str]:
    """Return the providers of some models, each once, by name."""
    return sorted({model.provider for model in models})


def find_model(
    catalogue: Catalogue,
    models: Sequence[Model],
    name: str,
    usable: Collection[str],
    provider: str | None = None,
) -> Model:
    """Return the model of a name, in any case, which may begin with its provider as in `openai/gpt-4o`.

    Where several have the name: one whose provider can be called now goes first, then one that is called so
    in full, then the one of its own maker. Raises NotFound, naming the closest.
    """
    wanted = name.strip().lower()
    named_provider, _, rest = wanted.partition("/")
    meant = catalogue.find_provider(provider) if provider else None
    prefixed = catalogue.find_provider(named_provider) if rest else None

    def is_meant(model: Model) -> bool:
        if meant is not None and model.provider != meant:
            return False
        lower = model.name.lower()
        return lower == wanted or (model.provider == prefixed and lower == rest)

    def place(model: Model) -> tuple[bool, bool, int]:
        is_in_full = model.name.lower() == wanted
        return model.provider not in usable, not is_in_full, _RANKS.get(model.provider, len(_RANKS))

    found = [model for model in models if is_meant(model)]
    if not found:
        raise NotFound(_sentence(name, provider, models if meant is None else _of(models, meant)))
    return min(found, key=place)


def closest_names(name: str, models: Sequence[Model]) -> list[str]:
    """Return the names that have most in common with one, at most five: words and numbers, in any order."""
    wanted = set(_WORDS.findall(name.lower()))
    scores: dict[str, float] = {}
    for model in models:
        words = set(_WORDS.findall(model.name.lower()))
        shared = len(wanted & words)
        if shared:
            scores[model.name] = shared / len(wanted | words)
    return sorted(scores, key=lambda found: (-scores[found], found))[:CLOSEST_MAX]


def _of(models: Sequence[Model], provider: str) -> list[Model]:
    return [model for model in models if model.provider == provider]


def _sentence(name: str, provider: str | None, models: Sequence[Model]) -> str:
    where = f" of {provider}" if provider else ""
    names = ", ".join(closest_names(name, models))
    hint = f"The closest are {names}." if names else "GET /models lists those there are."
    return f'The catalogue has no model "{name}"{where}. {hint} What it lacks can be called all the same.'


def _is_within(value: int, least: int | None, most: int | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)
