from __future__ import annotations

import pytest

from backboard_server.domain.prompts import Usage
from backboard_server.providers._counts import credible


@pytest.mark.parametrize("usage", [Usage(), Usage(input_tokens=10, output_tokens=2, cost_usd=0.5)])
def test_what_can_be_true_is_kept(usage: Usage) -> None:
    assert credible(usage, 10) == usage


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=-1),
        Usage(output_tokens=10**10),
        Usage(reasoning_tokens=-5),
        Usage(cost_usd=-0.1),
        Usage(cost_usd=float("nan")),
    ],
)
def test_a_figure_that_cannot_be_true_spoils_the_rest(usage: Usage) -> None:
    assert credible(usage) is None


def test_a_sum_is_no_better_than_its_parts() -> None:
    assert credible(Usage(input_tokens=95), -5) is None
