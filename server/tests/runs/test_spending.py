"""What a run costs, and how it is kept within what it may cost."""

from __future__ import annotations

import pytest

from backboard_server.domain.errors import BudgetSpent
from backboard_server.domain.events import RunIds
from backboard_server.domain.models import Facts, Price
from backboard_server.domain.prompts import ModelChoice, TextDelta, Usage
from backboard_server.runs.draft import Draft
from backboard_server.runs.spending import Allowance, cost_of

CHOICE = ModelChoice("openai", "gpt-x")
PRICE = Price(input=1.0, output=4.0, source="models.dev")  # dollars for a million tokens
PRICED = Facts(context_limit=1_000, price=PRICE)
UNPRICED = Facts(context_limit=1_000)
FREE = Facts(context_limit=1_000, is_free=True)


def written(tokens: int) -> Draft:
    draft = Draft(RunIds("t", "a", "r"), CHOICE)
    list(draft.add(TextDelta("four" * tokens)))
    return draft


def test_the_answer_is_cut_where_what_is_left_is_used_up() -> None:
    allowance = Allowance(0.005, 1_000, lambda _: PRICED)  # the prompt leaves 1,000 tokens
    allowance.begin(CHOICE)

    allowance.check(written(1_000))
    with pytest.raises(BudgetSpent):
        allowance.check(written(1_001))


def test_a_prompt_that_costs_more_than_is_left_is_not_sent() -> None:
    with pytest.raises(BudgetSpent, match=r"about \$0.0010 to send, and only \$0.0005"):
        Allowance(0.0005, 1_000, lambda _: PRICED).begin(CHOICE)


def test_a_model_without_a_price_is_not_asked_on_a_budget() -> None:
    with pytest.raises(BudgetSpent, match="price of openai/gpt-x is not known"):
        Allowance(100.0, 1, lambda _: UNPRICED).begin(CHOICE)


def test_a_model_that_nobody_is_paid_for_is_not_bound() -> None:
    allowance = Allowance(0.001, 1_000_000, lambda _: FREE)
    allowance.begin(CHOICE)

    allowance.check(written(1_000_000))


def test_the_price_is_that_of_the_model_that_is_asked() -> None:
    allowance = Allowance(0.005, 1_000, lambda choice: PRICED if choice == CHOICE else FREE)
    allowance.begin(CHOICE)
    allowance.begin(ModelChoice("ollama", "llama"))

    allowance.check(written(1_000_000))


def test_what_the_provider_says_it_charges_goes_before_our_price() -> None:
    assert cost_of(Usage(1_000_000, 0, cost_usd=0.25), PRICED) == 0.25
    assert cost_of(Usage(1_000_000, 0), PRICED) == 1.0


def test_what_nobody_knows_is_unknown_and_not_nothing() -> None:
    assert cost_of(Usage(1_000_000, 1), UNPRICED) is None
