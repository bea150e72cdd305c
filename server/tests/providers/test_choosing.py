from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.domain.prompts import ModelChoice
from backboard_server.providers._choosing import Choosing
from backboard_server.providers._http import Egress, EgressTimeouts
from backboard_server.providers._listing import FirstModels
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
        (BOTH_KEYS | {"BACKBOARD_LLM_PROVIDER": "local"}, (None, None), ("local", "quotes")),
        (BOTH_KEYS, ("Local", "gpt-4o"), ("local", "quotes")),
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
            "openai needs a key: set OPENAI_API_KEY and restart, "
            'or use llm_provider="local", which needs none.',
        ),
        (
            {"GROQ_API_KEY": "g"},
            "opanai",
            "unknown_provider",
            'There is no provider "opanai". Configured here: groq, local.',
        ),
        (
            BOTH_KEYS,
            "Anthropic",
            "provider_not_supported",
            "This release does not speak to anthropic yet, only to OpenAI-compatible providers. "
            "Configured here: openai, groq, local.",
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
