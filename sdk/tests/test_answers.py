from __future__ import annotations

import pytest

from backboard import BackboardResponseError, MemoryStats
from backboard._answers import parse, parse_dict, parse_list


def test_an_answer_becomes_the_model_that_was_promised() -> None:
    assert parse(MemoryStats, {"total_memories": 3}).total_memories == 3
    assert [stats.total_memories for stats in parse_list(MemoryStats, [{}, {"total_memories": 1}])] == [0, 1]


def test_a_dict_stays_the_dict_that_it_is() -> None:
    answer = {"success": True}

    assert parse_dict(answer) is answer


def test_a_field_of_the_wrong_type_is_named_and_the_answer_kept() -> None:
    answer = {"total_memories": "many"}

    with pytest.raises(BackboardResponseError, match="total_memories") as raised:
        parse(MemoryStats, answer)

    assert raised.value.body is answer


def test_an_answer_of_another_kind_is_an_error() -> None:
    with pytest.raises(BackboardResponseError, match="list of MemoryStats"):
        parse_list(MemoryStats, {})
    with pytest.raises(BackboardResponseError, match="not an object"):
        parse_dict([])
