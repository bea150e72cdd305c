"""The table of providers: how each is reached, and which wire it speaks.

Rows come from two places: those below, and every further OpenAI-compatible host that the catalogue knows.
A new host is a row, not code, and not even that once the catalogue has it.
"""

from __future__ import annotations

from functools import cache
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from . import catalogue

WireName = Literal["openai_chat"]
Dialect = Literal[
    "common",  # what every host of the wire is believed to take
    "openai",  # with OpenAI's own range of reasoning efforts
    "openrouter",  # with OpenRouter's routing and reasoning objects
    "strict",  # a host that refuses every field that it does not know
]

_OPENAI_COMPATIBLE = "@ai-sdk/openai-compatible"


class Row(Struct, frozen=True, kw_only=True):
    """How to reach a provider.

    `base_url` ends where the vendor's own default ends and may hold `${VARIABLE}`; empty, it must be set.
    Variables are those of the environment; `key_variable` is empty where no key is ever sent.
    """

    id: str
    label: str
    base_url: str
    base_url_variable: str
    key_variable: str = ""
    needs_key: bool = True
    default_model: str | None = None
    aliases: tuple[str, ...] = ()
    dialect: Dialect = "common"
    wire: WireName = "openai_chat"


# The order of the rows is the order in which a default provider is looked for.
# Base URLs, key variables and model names are those of each vendor's own reference, unless noted.
OUR_ROWS = (
    Row(
        id="openai",
        label="OpenAI",
        base_url="https://api.openai.com/v1",  # platform.openai.com/docs/api-reference
        base_url_variable="OPENAI_BASE_URL",
        key_variable="OPENAI_API_KEY",
        default_model="gpt-4o",  # the contract's default
        dialect="openai",
    ),
    Row(
        id="openrouter",
        label="OpenRouter",
        base_url="https://openrouter.ai/api/v1",  # openrouter.ai/docs/quickstart
        base_url_variable="OPENROUTER_BASE_URL",
        key_variable="OPENROUTER_API_KEY",
        default_model="openrouter/auto",
        dialect="openrouter",
    ),
    Row(
        id="groq",
        label="Groq",
        base_url="https://api.groq.com/openai/v1",  # console.groq.com/docs/openai
        base_url_variable="GROQ_BASE_URL",
        key_variable="GROQ_API_KEY",
        default_model="llama-3.3-70b-versatile",
    ),
    Row(
        id="xai",
        label="xAI",
        base_url="https://api.x.ai/v1",  # docs.x.ai/docs/api-reference
        base_url_variable="XAI_BASE_URL",
        key_variable="XAI_API_KEY",
        default_model="grok-4.3",
        aliases=("grok",),
    ),
    Row(
        id="mistral",
        label="Mistral",
        base_url="https://api.mistral.ai/v1",  # docs.mistral.ai/api
        base_url_variable="MISTRAL_BASE_URL",
        key_variable="MISTRAL_API_KEY",
        default_model="mistral-large-latest",
        aliases=("mistralai",),
        dialect="strict",  # 422 extra_forbidden for stream_options; usage comes unasked
    ),
    Row(
        id="deepseek",
        label="DeepSeek",
        base_url="https://api.deepseek.com",  # api-docs.deepseek.com
        base_url_variable="DEEPSEEK_BASE_URL",
        key_variable="DEEPSEEK_API_KEY",
        default_model="deepseek-chat",
    ),
    Row(
        id="togetherai",
        label="Together AI",
        base_url="https://api.together.xyz/v1",  # docs.together.ai/docs/openai-api-compatibility
        base_url_variable="TOGETHER_BASE_URL",
        key_variable="TOGETHER_API_KEY",
        default_model="meta-llama/Llama-3.3-70B-Instruct-Turbo",
        aliases=("together",),
    ),
    Row(
        id="fireworks-ai",
        label="Fireworks AI",
        base_url="https://api.fireworks.ai/inference/v1",  # docs.fireworks.ai/tools-sdks/openai-compatibility
        base_url_variable="FIREWORKS_BASE_URL",
        key_variable="FIREWORKS_API_KEY",
        default_model="accounts/fireworks/models/gpt-oss-120b",
        aliases=("fireworks",),
    ),
    Row(
        id="cerebras",
        label="Cerebras",
        base_url="https://api.cerebras.ai/v1",  # inference-docs.cerebras.ai/resources/openai
        base_url_variable="CEREBRAS_BASE_URL",
        key_variable="CEREBRAS_API_KEY",
        default_model="gpt-oss-120b",
    ),
    Row(
        id="perplexity",
        label="Perplexity",
        base_url="https://api.perplexity.ai",  # docs.perplexity.ai/guides/chat-completions-guide
        base_url_variable="PERPLEXITY_BASE_URL",
        key_variable="PERPLEXITY_API_KEY",
        default_model="sonar",
    ),
    Row(
        id="cohere",
        label="Cohere",
        base_url="https://api.cohere.ai/compatibility/v1",  # docs.cohere.com/docs/compatibility-api
        base_url_variable="COHERE_BASE_URL",
        key_variable="COHERE_API_KEY",
        default_model="command-a-03-2025",
        dialect="strict",  # stream_options is refused
    ),
    Row(
        id="deepinfra",
        label="DeepInfra",
        base_url="https://api.deepinfra.com/v1/openai",  # deepinfra.com/docs/openai_api
        base_url_variable="DEEPINFRA_BASE_URL",
        key_variable="DEEPINFRA_API_KEY",
        default_model="meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ),
    Row(
        id="featherless",
        label="Featherless AI",
        base_url="https://api.featherless.ai/v1",  # featherless.ai/docs/quickstart-guide
        base_url_variable="FEATHERLESS_BASE_URL",
        key_variable="FEATHERLESS_API_KEY",
        default_model="Qwen/Qwen2.5-7B-Instruct",
    ),
    Row(
        id="vercel",
        label="Vercel AI Gateway",
        base_url="https://ai-gateway.vercel.sh/v1",  # vercel.com/docs/ai-gateway/openai-compat
        base_url_variable="AI_GATEWAY_BASE_URL",
        key_variable="AI_GATEWAY_API_KEY",
        default_model="openai/gpt-4o",
    ),
    Row(
        id="ollama",
        label="Ollama",
        base_url="http://127.0.0.1:11434/v1",  # docs.ollama.com/api/openai-compatibility
        base_url_variable="OLLAMA_BASE_URL",
        needs_key=False,  # and OLLAMA_API_KEY belongs to ollama.com alone
    ),
    Row(
        id="lmstudio",
        label="LM Studio",
        base_url="http://127.0.0.1:1234/v1",  # lmstudio.ai/docs/developer/openai-compat
        base_url_variable="LMSTUDIO_BASE_URL",
        key_variable="LMSTUDIO_API_KEY",
        needs_key=False,
        aliases=("lm-studio",),
    ),
    Row(
        id="vllm",
        label="vLLM",
        base_url="",  # its default port, 8000, is ours
        base_url_variable="VLLM_BASE_URL",
        key_variable="VLLM_API_KEY",  # docs.vllm.ai: the variable that its server reads as well
        needs_key=False,
    ),
    Row(
        id="llamacpp",
        label="llama.cpp",
        base_url="http://127.0.0.1:8080/v1",  # the README of llama-server
        base_url_variable="LLAMACPP_BASE_URL",
        key_variable="LLAMACPP_API_KEY",
        needs_key=False,
        aliases=("llama.cpp", "llama-cpp"),
    ),
)

_OUR_NAMES = {name: row for row in OUR_ROWS for name in (row.id, *row.aliases)}
_ALIASES_UNSPOKEN = {"gemini": "google", "bedrock": "amazon-bedrock", "aws-bedrock": "amazon-bedrock"}


def find_row(name: str) -> Row | None:
    """Return the row of a provider by id or alias, in lower case."""
    return _OUR_NAMES.get(name) or _catalogue_rows().get(name)


def list_rows() -> list[Row]:
    """Return every row: ours in their order, then the catalogue's."""
    return [*OUR_ROWS, *_catalogue_rows().values()]


def is_known_unspoken(name: str) -> bool:
    """Whether this is a real provider that no wire of this release speaks to."""
    return _ALIASES_UNSPOKEN.get(name, name) in catalogue.providers() and find_row(name) is None


@cache
def _catalogue_rows() -> dict[str, Row]:
    rows = (_catalogue_row(provider) for provider in catalogue.providers().values())
    return {row.id: row for row in rows if row and row.id not in _OUR_NAMES}


def _catalogue_row(provider: catalogue.Provider) -> Row | None:
    """Read a provider of the catalogue as a row, if it speaks our wire."""
    if provider.npm != _OPENAI_COMPATIBLE or not provider.api:
        return None
    # One entry gives the whole path of the endpoint instead of the base.
    base_url = provider.api.rstrip("/").removesuffix("/chat/completions")
    address = next((name for name in provider.env if name.endswith("_ENDPOINT")), None)
    keys = [name for name in provider.env if name != address and f"${{{name}}}" not in base_url]
    own_name = "".join(letter if letter.isalnum() else "_" for letter in provider.id.upper())
    return Row(
        id=provider.id,
        label=provider.name,
        base_url=base_url,
        base_url_variable=address or f"{own_name}_BASE_URL",
        key_variable=keys[0] if keys else "",
        needs_key=urlsplit(base_url).hostname not in {"127.0.0.1", "localhost"},
    )
