from __future__ import annotations

from typing import get_args

import pytest

from fake_vendor.dialects.openai_terms import TYPE_AND_CODE, TypeAndCode, error_of, list_of
from fake_vendor.terms import Problem, ProblemKind


@pytest.mark.parametrize("kind", get_args(ProblemKind))
def test_every_problem_has_its_words(kind: ProblemKind) -> None:
    error = error_of(Problem(400, kind, "No."))["error"]

    assert (error["message"], error["param"]) == ("No.", None)
    assert (error["type"], error["code"]) == TYPE_AND_CODE[kind]


def test_a_protocol_may_have_words_of_its_own() -> None:
    own: dict[ProblemKind, TypeAndCode] = {**TYPE_AND_CODE, "rate_limit": ("requests", None)}

    assert error_of(Problem(429, "rate_limit", "Wait."), own)["error"]["type"] == "requests"


def test_models_are_listed_by_their_ids() -> None:
    assert [row["id"] for row in list_of(["a", "b"])["data"]] == ["a", "b"]
