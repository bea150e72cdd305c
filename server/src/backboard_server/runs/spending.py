"""Spending: what a run costs, and how it is kept within what it may cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from backboard_server.domain.errors import BudgetSpent
from backboard_server.domain.models import Facts, PriceSource
from backboard_server.domain.prompts import ModelChoice, Usage
from backboard_server.models.prices import cost_usd

from .draft import Draft


class Allowance:
    """What is left of the budgets that a run falls under, checked by an estimate while the model writes."""

    def __init__(self, left_usd: float, input_tokens: int, facts_of: Callable[[ModelChoice], Facts]) -> None:
        """`input_tokens` is the estimate for the prompt; `facts_of` knows the prices of models."""
        self._left_usd = left_usd
        self._input_tokens = input_tokens
        self._facts_of = facts_of
        self._output_tokens_max: float = 0

    def begin(self, choice: ModelChoice) -> None:
        """Raise BudgetSpent where the prompt alone would cost what is left, or nobody knows what it costs."""
        facts = self._facts_of(choice)
        if facts.is_free:
            self._output_tokens_max = float("inf")
            return
        if facts.price is None:
            raise BudgetSpent(
                f"The price of {choice.provider}/{choice.model} is not known, so the budget cannot be kept "
                "with it. Choose a model that has a price."
            )
        left = self._left_usd - cost_usd(Usage(input_tokens=self._input_tokens), facts.price)
        if left <= 0:
            raise BudgetSpent(
                f"This message would cost about ${self._left_usd - left:.4f} to send, and only "
                f"${self._left_usd:.4f} is left of the budget. Send less, or choose a cheaper model."
            )
        a_million = cost_usd(Usage(output_tokens=1_000_000), facts.price)
        self._output_tokens_max = left / a_million * 1_000_000 if a_million else float("inf")

    def check(self, draft: Draft) -> None:
        """Raise BudgetSpent when what the model has written is estimated to cost more than is left."""
        if draft.estimated_tokens > self._output_tokens_max:
            raise BudgetSpent(
                "The budget was used up while the model was writing: the answer is cut here. Whoever runs "
                "the server can raise the budget."
            )


def price_of(usage: Usage, facts: Facts) -> tuple[PriceSource | None, date | None]:
    """Return where the cost of a run comes from, and of when that price is."""
    if usage.cost_usd is not None:
        return "provider", None
    return (facts.price.source, facts.price.dated) if facts.price else (None, None)


def cost_of(usage: Usage, facts: Facts) -> float | None:
    """Return what a run cost in US dollars; None where nobody knows, which is never the same as nothing."""
    if usage.cost_usd is not None:
        return usage.cost_usd
    return None if facts.price is None else cost_usd(usage, facts.price)
