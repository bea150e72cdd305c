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
from ._efforts import is_named_to_reason

WireName = Literal["openai_chat", "openai_responses", "anthropic", "gemini", "bedrock"]
Dialect = Literal[
    "common",  # what every host of the wire is believed to take
    "openai",  # with OpenAI's own range of reasoning efforts
    "azure",  # OpenAI's models behind Azure's own header
    "openrouter",  # with OpenRouter's routing and reasoning objects
    "strict",  # a host that refuses every field that it does not know
    # Hosts with customs of their own, which the wire knows (wires/openai_chat/customs.py).
    "mistral",
    "cohere",
    "deepseek",
    "moonshot",
    "zai",
    "xai",
    "groq",
    "cerebras",
]

# The client library that the catalogue names for a provider, or for a model, tells which wire it speaks.
_WIRE_OF_LIBRARY: dict[str, WireName] = {
    "@ai-sdk/openai-compatible": "openai_chat",
    "@ai-sdk/openai": "openai_responses",
    "@ai-sdk/anthropic": "anthropic",
    "@ai-sdk/google": "gemini",
}

# Hosts that only the catalogue has, by the beginning of their ids: one vendor has several.
_DIALECTS: dict[str, Dialect] = {"moonshotai": "moonshot", "zai": "zai", "zhipuai": "zai"}

# Hosts with a library of their own whose vendors document an OpenAI-compatible base URL as well.
_BASE_URLS = {
    "aihubmix": "https://aihubmix.com/v1",  # docs.aihubmix.com/en/api/Aihubmix-Integration
    "v0": "https://api.v0.dev/v1",  # v0.app/docs/v0-model-api
    "venice": "https://api.venice.ai/api/v1",  # docs.venice.ai/getting-started/quick-start
}


class Row(Struct, frozen=True, kw_only=True):
    """How to reach a provider.

    `base_url` ends where the vendor's own default ends and may hold `${VARIABLE}`; empty, it must be set.
    Variables are those of the environment. The first of `key_variables` that is set is the key; there are
    none where no key is ever sent. `credential_variables` together stand for a key (the first two must).
    `settings` are further variables that the address or the wire reads, with their defaults.
    `site_variable` is the vendor's own for an address that lacks the path of `base_url`.
    `has_responses` says that the host also speaks OpenAI's Responses, which suits reasoning models better.
    `is_at_hand` says that a host without a key is there: the operator gave its address in the configuration.
    """

    id: str
    label: str
    base_url: str
    base_url_variable: str
    key_variables: tuple[str, ...] = ()
    credential_variables: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    site_variable: str = ""
    needs_key: bool = True
    default_model: str | None = None
    aliases: tuple[str, ...] = ()
    dialect: Dialect = "common"
    wire: WireName = "openai_chat"
    has_responses: bool = False
    is_at_hand: bool = False

    @property
    def key_variable(self) -> str:
        """The first variable of the key: the one to set; empty where no key is ever sent."""
        return self.key_variables[0] if self.key_variables else ""


# The order of the rows is the order in which a default provider is looked for.
# Base URLs, key variables and model names are those of each vendor's own reference, unless noted.
OUR_ROWS = (
    Row(
        id="openai",
        label="OpenAI",
        base_url="https://api.openai.com/v1",  # platform.openai.com/docs/api-reference
        base_url_variable="OPENAI_BASE_URL",
        key_variables=("OPENAI_API_KEY",),
        default_model="gpt-4o",  # the contract's default
        dialect="openai",
        has_responses=True,
    ),
    Row(
        id="anthropic",
        label="Anthropic",
        base_url="https://api.anthropic.com",  # docs.anthropic.com/en/api/overview
        base_url_variable="ANTHROPIC_BASE_URL",
        key_variables=("ANTHROPIC_API_KEY",),
        default_model="claude-sonnet-4-6",
        aliases=("claude",),
        wire="anthropic",
    ),
    Row(
        id="google",
        label="Google Gemini",
        base_url="https://generativelanguage.googleapis.com",  # ai.google.dev/api
        base_url_variable="GEMINI_BASE_URL",
        site_variable="GOOGLE_GEMINI_BASE_URL",  # as google-genai reads it
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"),
        default_model="gemini-2.5-flash",
        aliases=("gemini", "google-ai-studio"),
        wire="gemini",
    ),
    Row(
        id="openrouter",
        label="OpenRouter",
        base_url="https://openrouter.ai/api/v1",  # openrouter.ai/docs/quickstart
        base_url_variable="OPENROUTER_BASE_URL",
        key_variables=("OPENROUTER_API_KEY",),
        default_model="openrouter/auto",
        dialect="openrouter",
    ),
    Row(
        id="groq",
        label="Groq",
        base_url="https://api.groq.com/openai/v1",  # console.groq.com/docs/openai
        base_url_variable="GROQ_BASE_URL",
        key_variables=("GROQ_API_KEY",),
        default_model="llama-3.3-70b-versatile",
        dialect="groq",
    ),
    Row(
        id="xai",
        label="xAI",
        base_url="https://api.x.ai/v1",  # docs.x.ai/docs/api-reference
        base_url_variable="XAI_BASE_URL",
        key_variables=("XAI_API_KEY",),
        default_model="grok-4.3",
        aliases=("grok",),
        dialect="xai",
    ),
    Row(
        id="mistral",
        label="Mistral",
        base_url="https://api.mistral.ai/v1",  # docs.mistral.ai/api
        base_url_variable="MISTRAL_BASE_URL",
        key_variables=("MISTRAL_API_KEY",),
        default_model="mistral-large-latest",
        aliases=("mistralai",),
        dialect="mistral",
    ),
    Row(
        id="deepseek",
        label="DeepSeek",
        base_url="https://api.deepseek.com",  # api-docs.deepseek.com
        base_url_variable="DEEPSEEK_BASE_URL",
        key_variables=("DEEPSEEK_API_KEY",),
        default_model="deepseek-chat",
        dialect="deepseek",
    ),
    Row(
        id="togetherai",
        label="Together AI",
        base_url="https://api.together.xyz/v1",  # docs.together.ai/docs/openai-api-compatibility
        base_url_variable="TOGETHER_BASE_URL",
        key_variables=("TOGETHER_API_KEY",),
        default_model="meta-llama/Llama-3.3-70B-Instruct-Turbo",
        aliases=("together",),
    ),
    Row(
        id="fireworks-ai",
        label="Fireworks AI",
        base_url="https://api.fireworks.ai/inference/v1",  # docs.fireworks.ai/tools-sdks/openai-compatibility
        base_url_variable="FIREWORKS_BASE_URL",
        key_variables=("FIREWORKS_API_KEY",),
        default_model="accounts/fireworks/models/gpt-oss-120b",
        aliases=("fireworks",),
    ),
    Row(
        id="cerebras",
        label="Cerebras",
        base_url="https://api.cerebras.ai/v1",  # inference-docs.cerebras.ai/resources/openai
        base_url_variable="CEREBRAS_BASE_URL",
        key_variables=("CEREBRAS_API_KEY",),
        default_model="gpt-oss-120b",
        dialect="cerebras",
    ),
    Row(
        id="perplexity",
        label="Perplexity",
        base_url="https://api.perplexity.ai",  # docs.perplexity.ai/guides/chat-completions-guide
        base_url_variable="PERPLEXITY_BASE_URL",
        key_variables=("PERPLEXITY_API_KEY",),
        default_model="sonar",
    ),
    Row(
        id="cohere",
        label="Cohere",
        # docs.cohere.com/docs/compatibility-api has what the catalogue promises of its models: streaming,
        # tools, JSON (its schema is asked for in words), and the efforts `none` and `high`. It is silent on
        # images, which docs.cohere.com/docs/image-inputs has in OpenAI's shape, and on a field in which
        # reasoning is shown. Citations, documents and connectors are those of its own protocol alone.
        base_url="https://api.cohere.ai/compatibility/v1",
        base_url_variable="COHERE_BASE_URL",
        key_variables=("COHERE_API_KEY",),
        default_model="command-a-03-2025",
        dialect="cohere",
    ),
    Row(
        id="deepinfra",
        label="DeepInfra",
        base_url="https://api.deepinfra.com/v1/openai",  # deepinfra.com/docs/openai_api
        base_url_variable="DEEPINFRA_BASE_URL",
        key_variables=("DEEPINFRA_API_KEY",),
        default_model="meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ),
    Row(
        id="featherless",
        label="Featherless AI",
        base_url="https://api.featherless.ai/v1",  # featherless.ai/docs/quickstart-guide
        base_url_variable="FEATHERLESS_BASE_URL",
        key_variables=("FEATHERLESS_API_KEY",),
        default_model="Qwen/Qwen2.5-7B-Instruct",
    ),
    Row(
        id="vercel",
        label="Vercel AI Gateway",
        base_url="https://ai-gateway.vercel.sh/v1",  # vercel.com/docs/ai-gateway/openai-compat
        base_url_variable="AI_GATEWAY_BASE_URL",
        key_variables=("AI_GATEWAY_API_KEY",),
        default_model="openai/gpt-4o",
    ),
    Row(
        id="amazon-bedrock",
        label="Amazon Bedrock",
        # docs.aws.amazon.com/general/latest/gr/bedrock.html
        base_url="https://bedrock-runtime.${AWS_REGION}.amazonaws.com",
        base_url_variable="BEDROCK_BASE_URL",
        site_variable="AWS_ENDPOINT_URL_BEDROCK_RUNTIME",  # as AWS's SDKs read it
        key_variables=("AWS_BEARER_TOKEN_BEDROCK",),
        credential_variables=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        settings={"AWS_REGION": "us-east-1"},
        # A profile: by its bare id this model is not to be had, and this one may be called from every region.
        default_model="global.anthropic.claude-sonnet-4-6",
        aliases=("bedrock", "aws-bedrock", "aws"),
        wire="bedrock",
    ),
    Row(
        id="azure",
        label="Azure OpenAI",
        # learn.microsoft.com/azure/foundry/openai/api-version-lifecycle: v1, which every resource has.
        # The older deployments/{name}/…?api-version= is not spoken: it reaches no model that v1 does not.
        # A model is named as its deployment; reasoning is asked for where that is the name of a known model.
        base_url="https://${AZURE_RESOURCE_NAME}.openai.azure.com/openai/v1",
        base_url_variable="AZURE_OPENAI_BASE_URL",
        site_variable="AZURE_OPENAI_ENDPOINT",
        key_variables=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        aliases=("azure-openai",),
        dialect="azure",
        has_responses=True,
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
        key_variables=("LMSTUDIO_API_KEY",),
        needs_key=False,
        aliases=("lm-studio",),
    ),
    Row(
        id="vllm",
        label="vLLM",
        base_url="",  # its default port, 8000, is ours
        base_url_variable="VLLM_BASE_URL",
        key_variables=("VLLM_API_KEY",),  # docs.vllm.ai: the variable that its server reads as well
        needs_key=False,
    ),
    Row(
        id="llamacpp",
        label="llama.cpp",
        base_url="http://127.0.0.1:8080/v1",  # the README of llama-server
        base_url_variable="LLAMACPP_BASE_URL",
        key_variables=("LLAMACPP_API_KEY",),
        needs_key=False,
        aliases=("llama.cpp", "llama-cpp"),
    ),
)

_OUR_NAMES = {name: row for row in OUR_ROWS for name in (row.id, *row.aliases)}


def find_row(name: str) -> Row | None:
    """Return the row of a provider by id or alias, in lower case."""
    return _OUR_NAMES.get(name) or _catalogue_rows().get(name)


def wire_of(row: Row, model: str) -> WireName:
    """Return the wire for a model: its own where the catalogue names one, else its provider's.

    Reasoning models of hosts that have it are asked over Responses, which gives summaries of their reasoning
    and carries it from turn to turn (platform.openai.com/docs/guides/reasoning).
    """
    override = _override(row, model)
    own = _WIRE_OF_LIBRARY.get(override.npm or "") if override else None
    if own:
        return own
    known = catalogue.facts(row.id, model)
    may_reason = known.may_reason if known.is_known else is_named_to_reason(model)
    if row.has_responses and may_reason:
        return "openai_responses"
    return row.wire


def own_address(row: Row, model: str) -> str | None:
    """Return the address of this one model, which may hold `${VARIABLE}`, where it is not its provider's."""
    override = _override(row, model)
    # Azure's /models wants an api-version of old; what it serves, v1 serves as well, at the row's own address
    # (learn.microsoft.com/azure/foundry/openai/api-version-lifecycle).
    if not override or not override.api or override.api.endswith("/models"):
        return None
    return override.api


def _override(row: Row, model: str) -> catalogue.Override | None:
    """Return what the catalogue says of one model; it does not know hosts that an operator described anew."""
    known = find_row(row.id)
    if known is None or (known.base_url, known.wire) != (row.base_url, row.wire):
        return None
    return catalogue.override(row.id, model)


def list_rows() -> list[Row]:
    """Return every row: ours in their order, then the catalogue's."""
    return [*OUR_ROWS, *_catalogue_rows().values()]


def is_known_unspoken(name: str) -> bool:
    """Whether this is a real provider that no wire of this release speaks to."""
    return name in catalogue.providers() and find_row(name) is None


@cache
def _catalogue_rows() -> dict[str, Row]:
    rows = (_catalogue_row(provider) for provider in catalogue.providers().values())
    return {row.id: row for row in rows if row and row.id not in _OUR_NAMES}


def _catalogue_row(provider: catalogue.Provider) -> Row | None:
    """Read a provider of the catalogue as a row, if it speaks one of our wires."""
    documented = _BASE_URLS.get(provider.id)
    wire = "openai_chat" if documented else _WIRE_OF_LIBRARY.get(provider.npm)
    address = documented or provider.api
    if wire is None or not address:
        return None
    # One entry gives the whole path of the endpoint instead of the base.
    base_url = address.rstrip("/").removesuffix("/chat/completions")
    own_address = next((name for name in provider.env if name.endswith("_ENDPOINT")), None)
    keys = [name for name in provider.env if name != own_address and f"${{{name}}}" not in base_url]
    own_name = "".join(letter if letter.isalnum() else "_" for letter in provider.id.upper())
    return Row(
        id=provider.id,
        label=provider.name,
        base_url=base_url,
        base_url_variable=own_address or f"{own_name}_BASE_URL",
        key_variables=tuple(keys[:1]),
        dialect=_DIALECTS.get(provider.id.partition("-")[0], "common"),
        wire=wire,
        needs_key=urlsplit(base_url).hostname not in {"127.0.0.1", "localhost"},
    )
