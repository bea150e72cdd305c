"""Identifiers that the server makes."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

import pytest

from backboard_server.domain.ids import earliest_id, new_id


def test_an_id_is_a_version_7_uuid() -> None:
    made = new_id()

    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_an_id_tells_the_millisecond_in_which_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000

    assert before <= made.int >> 80 <= after


def test_ids_sort_by_the_time_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_700_000_000_000_000_000, 1_700_000_000_100_000_000, 1_000_000))
    monkeypatch.setattr(time, "time_ns", lambda: next(clock))

    made = [new_id() for _ in range(100)]

    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_every_random_bit_is_random() -> None:
    made = [new_id().int for _ in range(200)]
    random_bits = (1 << 62) - 1

    ever_set = ever_clear = 0
    for one in made:
        ever_set |= one
        ever_clear |= ~one

    assert len(set(made)) == len(made)
    assert ever_set & random_bits == random_bits
    assert ever_clear & random_bits == random_bits


def test_the_bits_before_them_are_the_fraction_of_the_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    fractions: list[int] = []
    for nanoseconds in (0, 500_000, 999_999):
        monkeypatch.setattr(time, "time_ns", lambda now=nanoseconds: 1_700_000_000_000_000_000 + now)
        fractions.append((new_id().int >> 64) & 0xFFF)

    assert fractions == [0, 0x800, 0xFFF]


def test_the_earliest_id_of_a_moment_parts_what_was_made_before_from_what_was_made_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    nanoseconds = int(moment.timestamp()) * 1_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: nanoseconds - 1)
    before = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: nanoseconds)
    after = new_id()

    assert before < earliest_id(moment) <= after


def test_no_id_was_made_before_1970() -> None:
    assert earliest_id(datetime(1969, 1, 1, tzinfo=UTC)).int == 0
