from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.domain.models import Price
from backboard_server.domain.prompts import Usage
from backboard_server.models.prices import cost_usd, price_lines

TOKENS = st.integers(0, 10_000_000)
RATES = st.floats(0, 1_000)

PLAIN = Price(input=2.5, output=10, source="models.dev")
CACHING = Price(input=3, output=15, cached_input=0.3, cache_write_input=3.75, source="models.dev")
TIERED = Price(
    input=1.25,
    output=10,
    tier_input_tokens=200_000,
    tier=Price(
        input=2.5,
        output=15,
        tier_input_tokens=400_000,
        tier=Price(input=5, output=30, source="models.dev"),
        source="models.dev",
    ),
    source="models.dev",
)


@pytest.mark.parametrize(
    ("usage", "price", "dollars"),
    [
        (Usage(), PLAIN, 0),
        (Usage(1_000_000, 0), PLAIN, 2.5),
        (Usage(0, 1_000_000), PLAIN, 10),
        (Usage(1_200, 300), PLAIN, 0.006),
        # 1,000 plain at 3, 8,000 read at 0.3, 1,000 written at 3.75, and 100 of output at 15
        (Usage(10_000, 100, 8_000, 1_000), CACHING, 0.003 + 0.0024 + 0.00375 + 0.0015),
        (Usage(10_000, 0, 8_000, 1_000), PLAIN, 0.025),  # rates that are missing follow input
        (Usage(0, 1_000, 0, 0, 900), PLAIN, 0.01),  # and reasoning follows output
        (Usage(0, 1_000, 0, 0, 900), Price(input=1, output=10, reasoning=30, source="backboard"), 0.028),
        (Usage(200_000, 1_000), TIERED, 0.25 + 0.01),
        (Usage(200_001, 1_000), TIERED, 0.5000025 + 0.015),
        (Usage(400_001, 0), TIERED, 2.000005),
    ],
)
def test_hand_computed_costs(usage: Usage, price: Price, dollars: float) -> None:
    assert cost_usd(usage, price) == pytest.approx(dollars)


def test_what_the_provider_charges_is_left_to_the_caller() -> None:
    assert cost_usd(Usage(1_000_000, 0, cost_usd=99.0), PLAIN) == 2.5


def test_parts_that_are_larger_than_their_whole_do_not_earn_money() -> None:
    """Some hosts count cached or reasoning tokens beside the others, not among them."""
    assert cost_usd(Usage(10, 10, 500, 0, 500), CACHING) == pytest.approx((500 * 0.3 + 500 * 15) / 1_000_000)


@given(
    st.builds(Usage, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS),
    st.builds(
        Price,
        input=RATES,
        output=RATES,
        cached_input=st.none() | RATES,
        reasoning=st.none() | RATES,
        source=st.just("models.dev"),
    ),
)
def test_no_call_costs_less_than_nothing(usage: Usage, price: Price) -> None:
    assert cost_usd(usage, price) >= 0


@given(TOKENS, TOKENS, TOKENS, TOKENS, st.sampled_from([PLAIN, CACHING, TIERED]))
def test_more_tokens_never_cost_less(
    tokens_in: int, tokens_out: int, more_in: int, more_out: int, price: Price
) -> None:
    less = cost_usd(Usage(tokens_in, tokens_out), price)

    assert cost_usd(Usage(tokens_in + more_in, tokens_out + more_out), price) >= less - 1e-9


@given(
    st.builds(Usage, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS),
    st.sampled_from([PLAIN, CACHING, TIERED]),
)
def test_the_lines_add_up_to_the_cost(usage: Usage, price: Price) -> None:
    lines = price_lines(usage, price)

    assert sum(line.cost_usd for line in lines) == pytest.approx(cost_usd(usage, price))
    assert all(line.tokens for line in lines)
    assert len({line.kind for line in lines}) == len(lines)


def test_each_kind_of_token_has_its_own_rate() -> None:
    lines = price_lines(Usage(10_000, 100, 8_000, 1_000, 40), CACHING)

    assert [(line.kind, line.tokens, line.rate_usd) for line in lines] == [
        ("input", 1_000, 3),
        ("cached_input", 8_000, 0.3),
        ("cache_write_input", 1_000, 3.75),
        ("output", 60, 15),
        ("reasoning", 40, 15),
    ]
