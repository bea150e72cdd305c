from __future__ import annotations

import json
from importlib.resources import files

import pytest

from backboard_server.domain.models import Model, ModelType, Price
from backboard_server.providers import catalogue
from backboard_server.providers.catalogue.genai_prices import Prices

PRICES = Prices()
OWN = Price(input=1, output=2, source="models.dev")


def bare(provider: str, name: str, kind: ModelType = "llm", price: Price | None = None) -> Model:
    return Model(provider=provider, name=name, model_type=kind, price=price)


@pytest.mark.parametrize("name", ["gpt-5.4", "GPT-5.4", "gpt-5.4-2026-03-05"])
def test_a_price_is_found_by_every_name_that_is_given_in_full(name: str) -> None:
    model = PRICES.complete(bare("openai", name))

    assert model.price
    assert (model.price.input, model.price.output, model.price.source) == (2.5, 15, "genai-prices")
    assert model.price.tier_input_tokens == 272_000
    assert model.price.dated
    assert model.context_limit == 1_050_000


def test_a_price_is_found_by_the_longest_beginning() -> None:
    content = (files(catalogue.__name__) / "genai_prices.json").read_text()
    entry = next(
        entry for entry in json.loads(content)["models"] if entry.get("beginnings") and "price" in entry
    )
    longest = max(entry["beginnings"], key=len)

    model = PRICES.complete(bare(entry["provider"], f"{longest}-and-more"))

    assert model.price


@pytest.mark.parametrize(
    ("provider", "name"), [("openai", "gpt-of-the-future"), ("nobody", "gpt-5.4"), ("openrouter", "gpt-5.4")]
)
def test_what_is_not_there_stays_without_a_price(provider: str, name: str) -> None:
    assert PRICES.complete(bare(provider, name)) == bare(provider, name)


def test_a_price_that_is_there_already_stays() -> None:
    assert PRICES.complete(bare("openai", "gpt-5.4", price=OWN)).price == OWN


def test_speech_gets_the_rates_that_are_not_for_tokens() -> None:
    assert PRICES.complete(bare("openai", "tts-1", "tts")).details == {"cost_per_1m_characters": 15.0}


def test_a_free_route_costs_nothing_and_all_others_something() -> None:
    llms = [model for model in PRICES.models() if model.model_type == "llm"]

    for model in llms:
        assert model.price
        assert (model.price.output > 0) != model.name.endswith(":free"), model.name
        assert model.context_limit


def test_names_that_only_point_at_others_are_no_models() -> None:
    assert not any(model.name.startswith("~") for model in PRICES.models())
