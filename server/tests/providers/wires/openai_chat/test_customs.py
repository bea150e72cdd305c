from __future__ import annotations

from typing import get_args

import pytest

from backboard_server.providers.table import Dialect, list_rows
from backboard_server.providers.wires.openai_chat.customs import Manner, customs_of, manner_of

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_customs(dialect: Dialect) -> None:
    assert customs_of(dialect).manners or dialect in ("openai", "azure", "openrouter", "strict")
    assert isinstance(manner_of(dialect, ""), Manner)


def test_every_dialect_is_somebodys_but_for_that_of_operators() -> None:
    assert set(DIALECTS) - {row.dialect for row in list_rows()} == {"strict"}


def test_a_models_name_is_read_in_any_case_and_without_its_maker() -> None:
    assert manner_of("groq", "openai/GPT-OSS-20b") == manner_of("groq", "gpt-oss-20b")
    assert manner_of("groq", "gpt-oss-20b") != manner_of("groq", "somebody-elses")


@pytest.mark.parametrize("dialect", ["xai", "moonshot", "zai"])
def test_who_refuses_what_it_does_not_know_is_told_nothing_about_unknown_models(dialect: Dialect) -> None:
    assert manner_of(dialect, "a-model-of-yesterday") == Manner()
