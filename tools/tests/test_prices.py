from __future__ import annotations

import json
from datetime import date, time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from genai_prices import types

import prices

TODAY = date(2026, 11, 23)


def entries(*models: types.ModelInfo, provider: str = "openai") -> list[dict[str, Any]]:
    found = types.Provider(id=provider, name=provider, api_pattern="", models=list(models))
    return list(prices.condensed(found, TODAY))


def model(**fields: Any) -> types.ModelInfo:
    usual: dict[str, Any] = {
        "id": "gpt-x",
        "match": types.ClauseEquals(equals="gpt-x"),
        "prices": types.ModelPrice(input_mtok=Decimal("2.5"), output_mtok=Decimal(10)),
    }
    return types.ModelInfo(**usual | fields)


def test_a_model_is_kept_with_its_names_and_its_price() -> None:
    match = types.ClauseOr(
        or_=[types.ClauseEquals(equals="gpt-x"), types.ClauseStartsWith(starts_with="gpt-x-2026")]
    )

    assert entries(model(match=match, context_window=128_000)) == [
        {
            "provider": "openai",
            "name": "gpt-x",
            "names": ["gpt-x"],
            "beginnings": ["gpt-x-2026"],
            "context": 128_000,
            "is_model": True,
            "price": {"input": 2.5, "output": 10.0},
        }
    ]


def test_tiers_lie_one_inside_the_other() -> None:
    rate = types.TieredPrices(
        base=Decimal(1),
        tiers=[types.Tier(start=400_000, price=Decimal(4)), types.Tier(start=200_000, price=Decimal(2))],
    )

    (entry,) = entries(model(prices=types.ModelPrice(input_mtok=rate, output_mtok=Decimal(10))))

    assert entry["price"] == {
        "input": 1.0,
        "output": 10.0,
        "tier_input_tokens": 200_000,
        "tier": {
            "input": 2.0,
            "output": 10.0,
            "tier_input_tokens": 400_000,
            "tier": {"input": 4.0, "output": 10.0},
        },
    }


def conditional(price: int, constraint: Any = None) -> types.ConditionalPrice:
    return types.ConditionalPrice(
        constraint=constraint, prices=types.ModelPrice(input_mtok=Decimal(price), output_mtok=Decimal(0))
    )


@pytest.mark.parametrize(
    ("dear", "expected"),
    [
        (types.StartDateConstraint(start_date=date(2026, 11, 23)), 3),
        (types.StartDateConstraint(start_date=date(2026, 11, 24)), 2),  # it has not begun
        (types.TimeOfDateConstraint(start_time=time(1), end_time=time(2)), 3),  # the dearest hour counts
    ],
)
def test_the_price_in_force_is_kept(dear: Any, expected: int) -> None:
    (entry,) = entries(model(prices=[conditional(2), conditional(3, dear)]))

    assert entry["price"]["input"] == expected


def test_a_cheap_hour_is_not_counted_on() -> None:
    night = types.TimeOfDateConstraint(start_time=time(1), end_time=time(2))

    (entry,) = entries(model(prices=[conditional(2), conditional(1, night)]))

    assert entry["price"]["input"] == 2


def test_what_is_not_paid_by_text_has_the_names_of_the_contract() -> None:
    rates = types.ModelPrice(audio_hours=Decimal("0.36"), input_image_mtok=Decimal(5))

    (entry,) = entries(model(prices=rates))

    assert entry["details"] == {"image_input_cost_per_1m_tokens": 5.0, "cost_per_minute": 0.006}
    assert "price" not in entry


@pytest.mark.parametrize(
    ("fields", "is_there"),
    [
        ({"match": types.ClauseContains(contains="gpt")}, False),  # too loose to be priced by
        ({"deprecated": True}, True),  # priced where it is listed, but no model by itself
    ],
)
def test_names_that_would_be_guesses_are_left_out(fields: dict[str, Any], is_there: bool) -> None:
    found = entries(model(**fields))

    assert bool(found) is is_there
    assert not any("is_model" in entry for entry in found)


def test_providers_without_a_host_of_ours_are_left_out() -> None:
    assert entries(model(), provider="cursor") == []
    assert entries(model(id="claude-x"), provider="google") == []


def test_a_file_of_another_version_is_noticed_and_mended(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"version": "0.0.1"}')

    assert prices.main(["--check"], file) == 1
    assert prices.main([], file) == 0
    assert prices.main(["--check"], file) == 0
    written = json.loads(file.read_text())
    assert written["version"] == version("genai-prices")
    assert len(written["models"]) > 1_000
