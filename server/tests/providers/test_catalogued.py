from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date

import pytest
from msgspec import structs

from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.models import Model, Price
from backboard_server.domain.prompts import ModelChoice
from backboard_server.providers import Providers
from backboard_server.providers.table import OUR_ROWS, Row
from fake_vendor import FakeVendor
from listing_server import ListingServer

TODAY = date(2026, 11, 23)
KEY = "sk-secret-of-the-operator"
PRICE = Price(input=1, output=2, source="provider", dated=TODAY)


@pytest.fixture
async def bare() -> AsyncGenerator[Providers]:
    """A server without any key."""
    providers = Providers({})
    yield providers
    await providers.aclose()


def found(providers: Providers, provider: str, name: str) -> Model:
    return next(
        model for model in providers.catalogue.models() if (model.provider, model.name) == (provider, name)
    )


def test_models_come_in_an_order_that_stays_with_the_best_known_providers_first(bare: Providers) -> None:
    models = bare.catalogue.models()
    providers = list(dict.fromkeys(model.provider for model in models))

    assert providers[:3] == ["openai", "anthropic", "google"]
    assert bare.catalogue.models() is models
    names = [model.name for model in models if model.provider == "openai"]
    assert names == sorted(names)


def test_what_a_provider_lists_lies_over_what_is_known_and_goes_again(bare: Providers) -> None:
    before = found(bare, "openai", "gpt-4o")
    listed = Model(name="gpt-4o", provider="openai", model_type="llm", context_limit=999, price=PRICE)

    bare.catalogue.lay_over([listed])
    laid_over = found(bare, "openai", "gpt-4o")
    facts = bare.facts(ModelChoice("openai", "gpt-4o"))
    bare.catalogue.lay_over([])

    assert (laid_over.context_limit, laid_over.price) == (999, PRICE)
    assert (laid_over.takes_tools, laid_over.display_name) == (True, before.display_name)
    assert (facts.context_limit, facts.price, facts.takes) == (999, PRICE, frozenset({"image", "pdf"}))
    assert found(bare, "openai", "gpt-4o") == before


def test_a_list_that_tells_little_takes_nothing_away(bare: Providers) -> None:
    before = found(bare, "openai", "gpt-4o")

    bare.catalogue.lay_over([Model(name="gpt-4o", provider="openai", model_type="llm", last_updated=TODAY)])

    assert found(bare, "openai", "gpt-4o") == structs.replace(before, last_updated=TODAY)


def test_a_model_that_only_its_provider_knows_gives_its_limit_and_price_to_runs(bare: Providers) -> None:
    choice = ModelChoice("openrouter", "maker/tomorrow")
    unknown = bare.facts(choice)

    bare.catalogue.lay_over(
        [
            Model(
                name=choice.model,
                provider=choice.provider,
                model_type="llm",
                context_limit=500_000,
                takes_tools=False,
                may_reason=True,
                price=PRICE,
            )
        ]
    )

    assert (unknown.context_limit, unknown.price, unknown.takes_tools) == (32_768, None, True)
    known = bare.facts(choice)
    assert (known.context_limit, known.price, known.takes_tools) == (500_000, PRICE, False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aws-bedrock", "amazon-bedrock"),
        ("Gemini", "google"),
        (" together ", "togetherai"),
        ("openai", "openai"),
        ("elevenlabs", "elevenlabs"),
        ("No-Such", "no-such"),
    ],
)
def test_aliases_are_understood_and_strangers_stay_strangers(
    bare: Providers, name: str, expected: str
) -> None:
    assert bare.catalogue.find_provider(name) == expected


@pytest.mark.parametrize(
    ("provider", "name", "mode"),
    [
        ("openai", "gpt-4o", "chat_completions"),
        ("openai", "gpt-5", "responses"),
        ("anthropic", "claude-sonnet-4-5", "messages"),
        ("google", "gemini-2.5-pro", "generate_content"),
        ("amazon-bedrock", "anthropic.claude-sonnet-4-6", "converse"),
        ("openai", "whisper-1", None),  # no language model
        ("gitlab", "duo-chat-haiku-4-5", None),  # a protocol that no wire speaks
    ],
)
def test_a_language_model_tells_by_which_protocol_it_is_called(
    bare: Providers, provider: str, name: str, mode: str | None
) -> None:
    model = found(bare, provider, name)

    assert bare.catalogue.api_mode(model) == mode
    assert mode or not bare.catalogue.thinking(model).is_supported


async def test_only_lists_that_can_be_had_are_asked_for() -> None:
    configured = Providers({"GROQ_API_KEY": KEY, "AWS_BEARER_TOKEN_BEDROCK": KEY, "ANTHROPIC_API_KEY": KEY})
    bare = Providers({})

    assert configured.catalogue.providers_to_ask() == ["anthropic", "openrouter", "groq"]
    assert bare.catalogue.providers_to_ask() == ["openrouter"]


async def test_the_public_list_needs_no_key() -> None:
    async with ListingServer() as server:
        server.lists = {
            "/models?output_modalities=all": {"data": [{"id": "maker/model"}]},
            "/videos/models": {"data": []},
        }
        providers = Providers({"OPENROUTER_BASE_URL": server.root_url})

        (model,) = await providers.catalogue.ask("openrouter", TODAY)
        await providers.aclose()

    assert (model.name, model.last_updated) == ("maker/model", TODAY)
    assert not any("authorization" in headers for _, headers in server.asked)


async def test_a_configured_provider_is_asked_with_its_key() -> None:
    async with FakeVendor(models=("one", "two")) as vendor:
        providers = Providers({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": vendor.base_url})

        models = await providers.catalogue.ask("openai", TODAY)
        await providers.aclose()

    assert {model.name for model in models} == {"one", "two"}


async def test_a_provider_that_fails_says_so_in_a_sentence_without_its_key() -> None:
    async with ListingServer() as server:
        providers = Providers({"GROQ_API_KEY": KEY, "GROQ_BASE_URL": server.root_url})

        with pytest.raises(Upstream) as raised:
            await providers.catalogue.ask("groq", TODAY)
        await providers.aclose()

    assert "Groq" in raised.value.message
    assert KEY not in raised.value.message


async def test_a_provider_that_is_not_configured_cannot_be_asked(bare: Providers) -> None:
    with pytest.raises(Invalid, match="GROQ_API_KEY"):
        await bare.catalogue.ask("groq", TODAY)


async def test_the_model_that_an_operator_names_for_an_own_provider_is_known() -> None:
    own = Row(
        id="mycorp",
        label="My corp",
        base_url="http://10.0.0.5/v1",
        base_url_variable="MYCORP_BASE_URL",
        default_model="llama",
    )
    openai = structs.replace(OUR_ROWS[0], default_model="gpt-4o")
    providers = Providers({}, rows=[own, openai])

    assert found(providers, "mycorp", "llama").model_type == "llm"
    assert found(providers, "openai", "gpt-4o").context_limit > 0  # as the catalogue knows it
    providers.catalogue.lay_over([])
    assert found(providers, "mycorp", "llama").context_limit == 0
    await providers.aclose()
