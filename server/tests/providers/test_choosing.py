"""Which model is meant: by name, by key, by default, by the tenant's own keys and the operator's own rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from backboard_server.domain.errors import Invalid
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Secret
from backboard_server.domain.prompts import ModelChoice
from backboard_server.providers._choosing import Choosing
from backboard_server.providers._http import Egress, EgressTimeouts
from backboard_server.providers._listing import FirstModels
from backboard_server.providers.table import Row, find_row
from backboard_server.store.sealing import Sealer
from fake_vendor import FakeVendor

CLOSED_PORT = "http://127.0.0.1:9/v1"
NO_OLLAMA = {"OLLAMA_BASE_URL": CLOSED_PORT}
BOTH_KEYS = {"GROQ_API_KEY": "g", "OPENAI_API_KEY": "o"}


@pytest.fixture
async def first_models() -> AsyncGenerator[FirstModels]:
    egress = Egress(EgressTimeouts())
    yield FirstModels(egress)
    await egress.aclose()


@pytest.mark.parametrize(
    ("environment", "asked", "chosen"),
    [
        (BOTH_KEYS, ("openai", "gpt-5"), ("openai", "gpt-5")),
        (BOTH_KEYS, (" OpenAI ", None), ("openai", "gpt-4o")),
        (BOTH_KEYS, ("GROQ", None), ("groq", "llama-3.3-70b-versatile")),
        (BOTH_KEYS, (None, None), ("openai", "gpt-4o")),
        (BOTH_KEYS, ("", "o3"), ("openai", "o3")),
        (BOTH_KEYS, (None, "groq/llama"), ("openai", "groq/llama")),
        ({"GROQ_API_KEY": "g"}, (None, None), ("groq", "llama-3.3-70b-versatile")),
        ({"TOGETHER_API_KEY": "t"}, ("Together", "m"), ("togetherai", "m")),
        ({"MOONSHOT_API_KEY": "m"}, ("moonshotai", "kimi-k2.5"), ("moonshotai", "kimi-k2.5")),
        (BOTH_KEYS | {"BACKBOARD_LLM_PROVIDER": "Groq"}, (None, "m"), ("groq", "m")),
        (BOTH_KEYS | {"BACKBOARD_MODEL_NAME": "gpt-5"}, (None, None), ("openai", "gpt-5")),
        (BOTH_KEYS | {"BACKBOARD_MODEL_NAME": "gpt-5"}, ("groq", None), ("groq", "llama-3.3-70b-versatile")),
        (
            BOTH_KEYS | {"BACKBOARD_LLM_PROVIDER": "groq", "BACKBOARD_MODEL_NAME": "qwen"},
            ("groq", None),
            ("groq", "qwen"),
        ),
        (
            {"XAI_API_KEY": "x", "BACKBOARD_LLM_PROVIDER": "grok", "BACKBOARD_MODEL_NAME": "grok-5"},
            ("xai", None),
            ("xai", "grok-5"),
        ),
        (BOTH_KEYS | {"BACKBOARD_LLM_PROVIDER": "local"}, (None, None), ("local", "quotes")),
        (BOTH_KEYS, ("Local", "gpt-4o"), ("local", "quotes")),
        ({"ANTHROPIC_API_KEY": "a"}, ("Claude", None), ("anthropic", "claude-sonnet-4-6")),
        ({"GOOGLE_API_KEY": "g"}, (None, None), ("google", "gemini-2.5-flash")),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}, ("bedrock", "m"), ("amazon-bedrock", "m")),
        (NO_OLLAMA, (None, None), ("local", "quotes")),
        (NO_OLLAMA | {"GITHUB_TOKEN": "for something else"}, (None, None), ("local", "quotes")),
        (NO_OLLAMA | {"OPENAI_API_KEY": " "}, (None, None), ("local", "quotes")),
    ],
)
async def test_a_model_is_chosen_by_name_by_key_and_by_default(
    first_models: FirstModels,
    environment: Mapping[str, str],
    asked: tuple[str | None, str | None],
    chosen: tuple[str, str],
) -> None:
    assert await Choosing(environment, first_models).choose(*asked) == ModelChoice(*chosen)


@pytest.mark.parametrize(
    ("environment", "provider", "code", "message"),
    [
        (
            {},
            "openai",
            "provider_not_configured",
            "openai needs more to be called: set OPENAI_API_KEY and restart, "
            'or use llm_provider="local", which needs none. '
            "A tenant may also give its own with PUT /provider-keys/openai.",
        ),
        (
            {"GROQ_API_KEY": "g"},
            "opanai",
            "unknown_provider",
            'There is no provider "opanai". Configured here: groq, local.',
        ),
        (
            BOTH_KEYS,
            "GitLab",
            "provider_not_supported",
            "This release does not speak gitlab's protocol. Configured here: groq, local, openai.",
        ),
        (
            {"MOONSHOT_API_KEY": "m"},
            "moonshotai",
            "model_required",
            "moonshotai has no default model: name one in model_name.",
        ),
        (NO_OLLAMA, "ollama", "model_required", "ollama has no default model: name one in model_name."),
    ],
)
async def test_what_cannot_be_chosen_says_why_and_what_can(
    first_models: FirstModels, environment: Mapping[str, str], provider: str, code: str, message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await Choosing(environment, first_models).choose(provider, None)

    assert (caught.value.error_code, caught.value.message) == (code, message)


async def test_without_a_key_an_ollama_that_answers_is_the_default(first_models: FirstModels) -> None:
    async with FakeVendor(models=("llama3.2",)) as ollama:
        choosing = Choosing({"OLLAMA_BASE_URL": ollama.base_url}, first_models)

        assert await choosing.choose(None, None) == ModelChoice("ollama", "llama3.2")
        assert await choosing.choose(None, "qwen3") == ModelChoice("ollama", "qwen3")
        assert await choosing.choose("ollama", None) == ModelChoice("ollama", "llama3.2")


async def test_without_an_ollama_a_host_that_the_operator_named_is_asked(
    first_models: FirstModels,
) -> None:
    async with FakeVendor(models=("served",)) as vllm:
        choosing = Choosing(NO_OLLAMA | {"VLLM_BASE_URL": vllm.base_url}, first_models)

        assert await choosing.choose(None, None) == ModelChoice("vllm", "served")


async def test_a_key_goes_before_an_ollama(first_models: FirstModels) -> None:
    async with FakeVendor(models=("llama3.2",)) as ollama:
        choosing = Choosing({"OLLAMA_BASE_URL": ollama.base_url, "GROQ_API_KEY": "g"}, first_models)

        assert (await choosing.choose(None, None)).provider == "groq"


@pytest.mark.parametrize(("name", "provider_id"), [("openai", "openai"), (" Together ", "togetherai")])
def test_a_provider_has_one_id_behind_all_its_names(
    first_models: FirstModels, name: str, provider_id: str
) -> None:
    assert Choosing({}, first_models).provider_id(name) == provider_id


@pytest.mark.parametrize("name", ["", "local", "nobody"])
def test_a_name_that_no_provider_with_a_key_has_is_refused(first_models: FirstModels, name: str) -> None:
    with pytest.raises(Invalid, match="There is no provider"):
        Choosing({}, first_models).provider_id(name)


GROQS = {"groq": Secret("own")}


@pytest.mark.parametrize(
    ("environment", "asked", "chosen"),
    [
        ({}, (None, None), ("groq", "llama-3.3-70b-versatile")),
        ({}, ("groq", "m"), ("groq", "m")),
        ({"OPENAI_API_KEY": "o"}, (None, None), ("openai", "gpt-4o")),
        ({"MISTRAL_API_KEY": "m"}, (None, None), ("groq", "llama-3.3-70b-versatile")),
    ],
)
async def test_a_tenants_own_key_makes_its_provider_one_that_can_be_called(
    first_models: FirstModels,
    environment: Mapping[str, str],
    asked: tuple[str | None, str | None],
    chosen: tuple[str, str],
) -> None:
    assert await Choosing(environment, first_models).choose(*asked, GROQS) == ModelChoice(*chosen)


def test_one_tenants_key_is_not_anothers(first_models: FirstModels) -> None:
    choosing = Choosing({}, first_models)

    assert choosing.host("groq", GROQS).key == "own"
    with pytest.raises(Invalid, match="set GROQ_API_KEY"):
        choosing.host("groq")


def test_a_tenants_key_goes_before_the_servers_and_leaves_it_where_it_is(first_models: FirstModels) -> None:
    choosing = Choosing({"GROQ_API_KEY": "the server's"}, first_models)

    assert choosing.host("groq", GROQS).key == "own"
    assert choosing.host("groq").key == "the server's"


async def test_a_key_that_cannot_be_opened_spoils_its_own_provider_alone(
    first_models: FirstModels, tmp_path: Path
) -> None:
    tenant_id = new_id()
    sealed = Sealer(("a secret that somebody else seals with",), tmp_path).seal(tenant_id, "groq", "k")
    keys = Sealer(("a secret that this server seals with ..",), tmp_path).keys_of(tenant_id, {"groq": sealed})
    choosing = Choosing({"OPENAI_API_KEY": "o"}, first_models)

    assert await choosing.choose("openai", None, keys) == ModelChoice("openai", "gpt-4o")
    assert await choosing.choose(None, None, keys) == ModelChoice("openai", "gpt-4o")
    assert choosing.usable(keys) == {"openai", "groq", "local"}
    with pytest.raises(Invalid, match="groq cannot be opened"):
        await choosing.choose("groq", None, keys)


OWN = Row(
    id="mycorp",
    label="My corp",
    base_url="http://10.0.0.5:8000/v1",
    base_url_variable="MYCORP_BASE_URL",
    needs_key=False,
    is_at_hand=True,
    default_model="llama",
    aliases=("corp",),
)


async def test_the_operators_own_provider_is_found_and_goes_before_the_tables(
    first_models: FirstModels,
) -> None:
    choosing = Choosing(BOTH_KEYS, first_models, [OWN])

    assert await choosing.choose("Corp", None) == ModelChoice("mycorp", "llama")
    assert await choosing.choose(None, None) == ModelChoice("mycorp", "llama")
    assert choosing.provider_id("corp") == "mycorp"
    assert choosing.usable() == {"mycorp", "openai", "groq", "local"}
    assert choosing.host("mycorp", {"mycorp": Secret("own")}).key == "own"


async def test_the_operators_own_provider_without_its_key_is_passed_over(first_models: FirstModels) -> None:
    row = replace(OWN, needs_key=True, key_variables=("MYCORP_API_KEY",))

    without = Choosing(BOTH_KEYS, first_models, [row])
    assert await without.choose(None, None) == ModelChoice("openai", "gpt-4o")
    assert "mycorp" not in without.usable()
    with pytest.raises(Invalid, match="set MYCORP_API_KEY"):
        without.host("mycorp")
    assert Choosing({"MYCORP_API_KEY": "k"}, first_models, [row]).host("corp").key == "k"


async def test_a_row_of_the_table_that_the_operator_changed_stands_in_its_place(
    first_models: FirstModels,
) -> None:
    openai = find_row("openai")
    assert openai is not None
    changed = replace(openai, key_variables=("CORP_KEY",), base_url="https://gate.example/v1")
    choosing = Choosing(BOTH_KEYS, first_models, [changed])

    # OPENAI_API_KEY is no longer its key, and neither is it anybody's.
    assert await choosing.choose(None, None) == ModelChoice("groq", "llama-3.3-70b-versatile")
    assert choosing.usable() == {"groq", "local"}
    assert (
        Choosing({"CORP_KEY": "c"}, first_models, [changed]).host("openai").base_url
        == "https://gate.example/v1"
    )


async def test_an_own_provider_without_a_default_model_is_asked_for_its_first(
    first_models: FirstModels,
) -> None:
    async with FakeVendor(models=("served",)) as host:
        own = replace(OWN, base_url=host.base_url, default_model=None)

        assert await Choosing(NO_OLLAMA, first_models, [own]).choose(None, None) == ModelChoice(
            "mycorp", "served"
        )
        assert await Choosing(BOTH_KEYS, first_models, [own]).choose("corp", None) == ModelChoice(
            "mycorp", "served"
        )


@pytest.mark.parametrize(
    ("provider", "model", "environment", "base_url"),
    [
        (
            "azure",
            "claude-opus-4-5",
            {"AZURE_RESOURCE_NAME": "mine"},
            "https://mine.services.ai.azure.com/anthropic/v1",
        ),
        ("azure", "gpt-5", {"AZURE_RESOURCE_NAME": "mine"}, "https://mine.openai.azure.com/openai/v1"),
        ("azure", "kimi-k2.6", {"AZURE_RESOURCE_NAME": "mine"}, "https://mine.openai.azure.com/openai/v1"),
        (
            "azure",
            "claude-opus-4-5",
            {"AZURE_RESOURCE_NAME": "mine", "AZURE_OPENAI_BASE_URL": "https://gate.example/v1"},
            "https://gate.example/v1",
        ),
        (
            "azure",
            "claude-opus-4-5",
            {"AZURE_RESOURCE_NAME": "mine", "AZURE_OPENAI_ENDPOINT": "https://gate.example"},
            "https://gate.example/openai/v1",
        ),
        ("zenmux", "anthropic/claude-opus-4", {}, "https://zenmux.ai/api/anthropic/v1"),
        ("zenmux", "anthropic/claude-opus-4", {"ZENMUX_BASE_URL": "http://gate/v1"}, "http://gate/v1"),
    ],
)
def test_a_models_own_address_is_its_providers_and_behind_the_operators(
    first_models: FirstModels, provider: str, model: str, environment: dict[str, str], base_url: str
) -> None:
    choosing = Choosing({"AZURE_API_KEY": "k", "ZENMUX_API_KEY": "k"} | environment, first_models)

    servers, own = (choosing.host(provider, keys, model) for keys in ({}, {provider: Secret("own")}))

    assert (servers.base_url, own.base_url) == (base_url, base_url)
    assert (servers.key, own.key) == ("k", "own")
    assert choosing.host(provider, {}, model) is servers


def test_an_operators_row_for_another_host_has_no_models_elsewhere(first_models: FirstModels) -> None:
    row = find_row("zenmux")
    assert row is not None
    moved = replace(row, base_url="http://gate/v1", is_at_hand=True)

    host = Choosing({"ZENMUX_API_KEY": "k"}, first_models, [moved]).host(
        "zenmux", {}, "anthropic/claude-opus-4"
    )

    assert host.base_url == "http://gate/v1"
