from __future__ import annotations

from collections.abc import Callable

import pytest

from backboard_server.domain.errors import NotFound
from backboard_server.domain.models import Model
from backboard_server.domain.ports import Catalogue
from backboard_server.models.listing import Filters, closest_names, find_model, list_providers, select
from backboard_server.providers import Providers

CATALOGUE: Catalogue = Providers({}).catalogue
MODELS = CATALOGUE.models()

Holds = Callable[[Model], bool]
CASES: list[tuple[Filters, Holds]] = [
    (Filters(model_type="tts"), lambda model: model.model_type == "tts"),
    (Filters(supports_tools=True), lambda model: model.takes_tools is True),
    (Filters(supports_tools=False), lambda model: not model.takes_tools),
    (Filters(supports_vision=True), lambda model: "image" in model.inputs),
    (Filters(min_context=200_000), lambda model: model.context_limit >= 200_000),
    (Filters(max_context=8_192), lambda model: model.context_limit <= 8_192),
    (
        Filters(min_context=100_000, max_context=128_000, model_type="llm"),
        lambda model: 100_000 <= model.context_limit <= 128_000 and model.model_type == "llm",
    ),
    (
        Filters(min_dimensions=512, max_dimensions=1_024),
        lambda model: 512 <= model.details.get("embedding_dimensions", 0) <= 1_024,
    ),
]


def model(provider: str, name: str) -> Model:
    return Model(provider=provider, name=name, model_type="llm")


@pytest.mark.parametrize("name", ["amazon-bedrock", "aws-bedrock", "AWS-Bedrock", " bedrock "])
def test_a_provider_is_meant_by_id_and_by_alias(name: str) -> None:
    found = select(CATALOGUE, Filters(provider=name))

    assert found
    assert {model.provider for model in found} == {"amazon-bedrock"}


def test_an_unknown_provider_has_no_models() -> None:
    assert select(CATALOGUE, Filters(provider="nobody")) == []


def test_without_filters_everything_passes_in_the_order_of_the_catalogue() -> None:
    assert select(CATALOGUE, Filters()) == list(MODELS)


@pytest.mark.parametrize(("filters", "holds"), CASES)
def test_a_filter_keeps_what_it_says_and_all_of_it(filters: Filters, holds: Holds) -> None:
    found = select(CATALOGUE, filters)

    assert found == [model for model in MODELS if holds(model)]
    assert 0 < len(found) < len(MODELS)


def test_providers_are_named_once_and_in_order() -> None:
    models = [model("b", "1"), model("a", "1"), model("b", "2")]

    assert list_providers(models) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "usable", "provider", "expected"),
    [
        ("gpt-4o", set[str](), None, ("openai", "gpt-4o")),
        ("GPT-4o", set[str](), None, ("openai", "gpt-4o")),
        ("gpt-4o", {"azure"}, None, ("azure", "gpt-4o")),
        ("gpt-4o", {"azure", "openai"}, None, ("openai", "gpt-4o")),
        ("openai/gpt-4o", {"openrouter", "openai"}, None, ("openrouter", "openai/gpt-4o")),
        ("openai/gpt-4o", {"openai"}, None, ("openai", "gpt-4o")),
        ("openrouter/openai/gpt-4o", set[str](), None, ("openrouter", "openai/gpt-4o")),
        ("claude/claude-sonnet-4-5", set[str](), None, ("anthropic", "claude-sonnet-4-5")),
        ("gpt-4o", {"openai"}, "azure", ("azure", "gpt-4o")),
        ("typesafe/jev-1.13", set[str](), None, ("openrouter", "typesafe/jev-1.13")),
    ],
)
def test_a_name_means_the_model_that_can_be_called_or_that_of_its_maker(
    name: str, usable: set[str], provider: str | None, expected: tuple[str, str]
) -> None:
    found = find_model(CATALOGUE, MODELS, name, usable, provider)

    assert (found.provider, found.name) == expected


def test_an_unknown_name_is_answered_with_those_that_are_closest() -> None:
    with pytest.raises(NotFound) as raised:
        find_model(CATALOGUE, MODELS, "gpt4 o mini", set())

    assert "gpt-4o-mini" in raised.value.message
    with pytest.raises(NotFound, match=r"of anthropic\. The closest are claude"):
        find_model(CATALOGUE, MODELS, "claude-opus-99", set(), "anthropic")
    with pytest.raises(NotFound, match="GET /models lists"):
        find_model(CATALOGUE, MODELS, "§§§", set())


def test_the_closest_names_share_most_and_are_few() -> None:
    assert closest_names("gemini-2.5-turbo", MODELS)[0].startswith("gemini-2.5")
    assert len(closest_names("gpt", MODELS)) == 5
    assert closest_names("", MODELS) == []
