from __future__ import annotations

from datetime import date

import msgspec
import pytest

from backboard_server.domain.models import Model, Price
from backboard_server.providers.catalogue.own import Corrections

TODAY = date(2026, 11, 23)
CORRECTIONS = Corrections()


def test_our_models_are_added() -> None:
    models: dict[tuple[str, str], Model] = {}

    CORRECTIONS.apply(models)

    jev = models["typesafe", "jev-latest"]
    assert (jev.model_type, jev.context_limit) == ("system_one", 32_000)
    assert jev.details["system_one_capabilities"]["question_types"] == ["noul", "choice", "score"]
    assert models["elevenlabs", "scribe_v2"].details["cost_per_minute"] == pytest.approx(0.22 / 60, abs=1e-6)


def test_what_is_said_of_a_known_model_leaves_the_rest_of_it() -> None:
    price = Price(input=1, output=0, source="models.dev")
    known = Model(
        name="text-embedding-3-large",
        provider="openai",
        model_type="llm",
        display_name="Large",
        price=price,
        details={"kept": 1},
    )
    models = {("openai", "text-embedding-3-large"): known}

    CORRECTIONS.apply(models)

    corrected = models["openai", "text-embedding-3-large"]
    assert (corrected.model_type, corrected.context_limit) == ("embedding", 8191)
    assert (corrected.display_name, corrected.price) == ("Large", price)
    assert corrected.details == {"kept": 1, "embedding_dimensions": 3072}


def test_every_entry_has_a_source_and_the_day_that_it_was_read() -> None:
    models: dict[tuple[str, str], Model] = {}

    CORRECTIONS.apply(models)

    assert len(models) > 50
    assert all(model.last_updated and model.last_updated <= TODAY for model in models.values())


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("Qwen/Qwen3-Embedding-8B", 4096),
        ("workers-ai/@cf/baai/bge-m3", 1024),
        ("voyage/voyage-3-lite", 512),
        ("voyage/voyage-3-large", 1024),
        ("an-unheard-of-embedder", None),
    ],
)
def test_the_length_of_vectors_is_known_by_a_part_of_the_name(name: str, length: int | None) -> None:
    model = Model(name=name, provider="nebius", model_type="embedding")

    assert CORRECTIONS.with_dimensions(model).details.get("embedding_dimensions") == length


def test_a_length_that_is_told_and_models_that_embed_nothing_are_left_alone() -> None:
    told = Model(name="bge-m3", provider="x", model_type="embedding", details={"embedding_dimensions": 8})

    assert CORRECTIONS.with_dimensions(told) == told
    chat = msgspec.structs.replace(told, model_type="llm", details={})
    assert CORRECTIONS.with_dimensions(chat) == chat
