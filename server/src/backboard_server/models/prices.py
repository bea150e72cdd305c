"""What a call costs, by the tokens that it used and the price of its model."""

from __future__ import annotations

from collections.abc import Iterator

from backboard_server.domain.models import Price
from backboard_server.domain.prompts import Usage
from backboard_server.domain.receipts import PricedKind, PriceLine

_TOKENS_PER_PRICE = 1_000_000


def cost_usd(usage: Usage, price: Price) -> float:
    """Return what a call costs in US dollars by our own price list, never less than nothing.

    Cached and cache-written input are part of `input_tokens`, and reasoning of `output_tokens`: each is taken
    out and counted at its own rate. Where the provider itself says what it charges (`Usage.cost_usd`), that
    is the better figure and the caller's to prefer: it is not looked at here.
    """
    return sum(tokens * rate for _, tokens, rate in _rated(usage, price)) / _TOKENS_PER_PRICE


def price_lines(usage: Usage, price: Price) -> tuple[PriceLine, ...]:
    """Return what `cost_usd` adds up, line by line, without the kinds of which nothing was used."""
    return tuple(
        PriceLine(kind=kind, tokens=tokens, rate_usd=rate, cost_usd=tokens * rate / _TOKENS_PER_PRICE)
        for kind, tokens, rate in _rated(usage, price)
        if tokens
    )


def _rated(usage: Usage, price: Price) -> Iterator[tuple[PricedKind, int, float]]:
    price = _tier_of(price, usage.input_tokens)
    cached, written, reasoned = (
        usage.cached_input_tokens,
        usage.cache_write_input_tokens,
        usage.reasoning_tokens,
    )
    yield "input", max(0, usage.input_tokens - cached - written), price.input
    yield "cached_input", cached, _rate(price.cached_input, price.input)
    yield "cache_write_input", written, _rate(price.cache_write_input, price.input)
    yield "output", max(0, usage.output_tokens - reasoned), price.output
    yield "reasoning", reasoned, _rate(price.reasoning, price.output)


def _tier_of(price: Price, input_tokens: int) -> Price:
    """Return the rates for a call of this length: long ones cost more, output included."""
    while price.tier is not None and input_tokens > (price.tier_input_tokens or 0):
        price = price.tier
    return price


def _rate(own: float | None, neighbour: float) -> float:
    return neighbour if own is None else own
