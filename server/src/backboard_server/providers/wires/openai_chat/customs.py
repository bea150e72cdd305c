"""The customs of hosts: how each differs from the others of this wire. A host is named by its dialect."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from backboard_server.providers._efforts import family_of
from backboard_server.providers._tool_choice import Forcing
from backboard_server.providers.table import Dialect

Json = dict[str, Any]


class Manner(Struct, frozen=True, kw_only=True):
    """How a model is told to think.

    `efforts` are the values that it takes as `reasoning_effort`, from the least to the most; none where it
    takes no such field. `on` and `off` are the fields that switch thinking; without `off` it always thinks.
    `unasked` is the effort for a wish that names none, of a model that thinks only if it is told how hard.
    One that `rests_beside_tools` is refused there unless thinking is switched off.
    `forcing` is what it can be made to call while it thinks.
    `shown` is sent with every request, so that reasoning does not stand in the text; `hidden` in its place.
    """

    efforts: tuple[str, ...] = ()
    on: Json = {}
    off: Json | None = None
    unasked: str | None = None
    rests_beside_tools: bool = False
    forcing: Forcing = "named"
    shown: Json = {}
    hidden: Json = {}


class Customs(Struct, frozen=True, kw_only=True):
    """What is particular about a host; `manners` are those of its models, by the beginning of their names.

    `forcing` is what its models can be made to call.
    """

    takes_stream_options: bool = True
    is_complete: bool = False  # it takes files, and a response format beside tools
    has_mistrals_order: bool = False  # see `history`
    forcing: Forcing = "named"
    knows_none: bool = True  # as a choice of tools
    wants_reasoning_back: bool = False  # of answers that called tools, on pain of a 400
    manners: tuple[tuple[str, Manner], ...] = ()


_USUAL = ("low", "medium", "high")
_NONE: Json = {"reasoning_effort": "none"}
_ENABLED: Json = {"thinking": {"type": "enabled"}}
_DISABLED: Json = {"thinking": {"type": "disabled"}}
_OSS = ("gpt-oss", Manner(efforts=_USUAL))  # docs of Groq and Cerebras; others host the same model
_ANY = ("", Manner(efforts=_USUAL, off=_NONE))  # as vLLM and Ollama have it
_ON_OR_OFF = Manner(on={"reasoning_effort": "high"}, off=_NONE)

_CUSTOMS: dict[Dialect, Customs] = {
    "common": Customs(manners=(_OSS, _ANY)),
    "openai": Customs(is_complete=True),
    "azure": Customs(is_complete=True),
    "openrouter": Customs(is_complete=True),
    "strict": Customs(takes_stream_options=False),
    # docs.mistral.ai/inference/conversations/reasoning; magistral always thinks and takes no field. The API
    # answers 422 (extra_forbidden) to stream_options, and gives usage unasked.
    "mistral": Customs(
        takes_stream_options=False,
        has_mistrals_order=True,
        manners=(
            ("magistral", Manner()),
            ("mistral-large-4", Manner(efforts=_USUAL, off=_NONE)),
            ("", _ON_OR_OFF),
        ),
    ),
    # docs.cohere.com/docs/compatibility-api; of tools it knows REQUIRED and NONE, and no names
    "cohere": Customs(takes_stream_options=False, forcing="any", manners=(("", _ON_OR_OFF),)),
    # api-docs.deepseek.com/guides/thinking_mode; "Thinking mode does not support this tool_choice" but for
    # `auto` and `none` (deepseek-ai/DeepSeek-V3 issue 1376)
    "deepseek": Customs(
        wants_reasoning_back=True,
        manners=(("", Manner(efforts=("low", "high", "max"), on=_ENABLED, off=_DISABLED, forcing="never")),),
    ),
    # platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model; k3 as java.agentscope.io (Kimi) has it.
    # What each can be made to call while it thinks: UKGovernmentBEIS/inspect_ai pull request 5152.
    "moonshot": Customs(
        wants_reasoning_back=True,
        manners=(
            ("kimi-k3", Manner(efforts=("low", "high", "max"), forcing="any")),
            (r"kimi-k2\.[56]", Manner(on=_ENABLED, off=_DISABLED, forcing="never")),
            (r"kimi-k2(\.|-thinking)", Manner(forcing="never")),
        ),
    ),
    # docs.z.ai/guides/capabilities/thinking-mode; of `tool_choice` it knows `auto` alone (its API reference)
    "zai": Customs(
        forcing="never",
        knows_none=False,
        manners=((r"glm-(4\.[5-9]|[5-9])", Manner(on=_ENABLED, off=_DISABLED)),),
    ),
    # docs.x.ai/developers/model-capabilities/text/reasoning: models that are not named refuse the field
    "xai": Customs(
        manners=(
            ("grok-3-mini", Manner(efforts=("low", "high"))),
            (r"grok-4\.3|grok-latest", Manner(efforts=_USUAL, off=_NONE)),
            (r"grok-(4\.[5-9]|[5-9])", Manner(efforts=_USUAL)),
        )
    ),
    # console.groq.com/docs/reasoning
    "groq": Customs(
        manners=(
            ("gpt-oss", Manner(efforts=_USUAL, hidden={"include_reasoning": False})),
            (
                "qwen3",
                Manner(
                    on={"reasoning_effort": "default"},
                    off=_NONE,
                    shown={"reasoning_format": "parsed"},
                    hidden={"reasoning_format": "hidden"},
                ),
            ),
            (
                "qwen-qwq|deepseek-r1",
                Manner(shown={"reasoning_format": "parsed"}, hidden={"reasoning_format": "hidden"}),
            ),
            ("compound", Manner()),
            _ANY,
        )
    ),
    # inference-docs.cerebras.ai/capabilities/reasoning
    "cerebras": Customs(
        manners=(
            ("gpt-oss", Manner(efforts=_USUAL, hidden={"reasoning_format": "hidden"})),
            ("zai-glm", Manner(off=_NONE, hidden={"reasoning_format": "hidden"})),
            (
                "qwen",
                Manner(
                    efforts=_USUAL,
                    off=_NONE,
                    shown={"reasoning_format": "parsed"},
                    hidden={"reasoning_format": "hidden"},
                ),
            ),
            _ANY,
        )
    ),
}
_MANNERS = {
    dialect: tuple((re.compile(beginning), manner) for beginning, manner in customs.manners)
    for dialect, customs in _CUSTOMS.items()
}
_SILENT = Manner()
# "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function
# tools, use /v1/responses or set reasoning_effort to 'none'": openai/openai-openapi issue 541. The effort
# that goes without saying is refused as well (BerriAI/litellm pull request 34569).
_RESTS_BESIDE_TOOLS = re.compile(r"gpt-5\.([2-9]|\d\d)|gpt-[6-9]")


def customs_of(dialect: Dialect) -> Customs:
    """Return the customs of a host."""
    return _CUSTOMS[dialect]


def manner_of(dialect: Dialect, model: str) -> Manner:
    """Return how a model is told to think at a host; one that takes nothing where it is not known."""
    if dialect in ("openai", "azure"):
        efforts = family_of(model).efforts
        may_rest = "none" in efforts
        name = model.rpartition("/")[2].lower()
        return Manner(
            efforts=tuple(effort for effort in efforts if effort != "none"),
            off=_NONE if may_rest else None,
            # Families that may rest do so unless they are told to think (gpt-5.1: its default).
            unasked="medium" if may_rest else None,
            rests_beside_tools=may_rest and bool(_RESTS_BESIDE_TOOLS.match(name)),
        )
    name = model.rpartition("/")[2].lower()
    return next((manner for beginning, manner in _MANNERS[dialect] if beginning.match(name)), _SILENT)
