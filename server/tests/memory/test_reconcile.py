"""Statements held against what is known, one at a time and in every order."""

# ruff: noqa: RUF001 - wide letters are what is tested
from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from backboard_server.domain.memories import Memory, Quote, Statement
from backboard_server.memory.reconcile import Change, Interval, dependents_of, normal, reconcile
from memory.test_update_suite import Shelf


def _at(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


def _said(content: str, year: int, value: str | None = None, **more: Any) -> Statement:
    slot = more.pop("slot", None if value is None else "lives_in")
    quote = Quote(UUID(int=year), 0, len(content), content)
    return Statement(
        content=content, kind="fact", subject="user", speaker="user", quotes=(quote,), valid_from=_at(year),
        slot=slot, value=value, **more,
    )  # fmt: skip


def _known(number: int, content: str, began: int, ended: int | None = None, **more: Any) -> Memory:
    return Memory(
        id=UUID(int=number), content=content, created_at=_at(began), updated_at=_at(began), subject="user",
        valid_from=_at(began), valid_to=None if ended is None else _at(ended), **more,
    )  # fmt: skip


BERLIN = _known(1, "I live in Berlin", 2020, slot="lives_in", value="berlin")


def test_what_nothing_is_known_of_is_added() -> None:
    verdict = reconcile(_said("I live in Berlin", 2020, "berlin"), [])

    assert (verdict.kind, verdict.changes, verdict.stored) == ("add", (), Interval(_at(2020), None))


def test_a_newer_value_takes_the_place_of_the_older() -> None:
    verdict = reconcile(_said("I live in Rome", 2022, "rome"), [BERLIN])

    assert (verdict.kind, verdict.concerns) == ("supersede", (BERLIN,))
    assert verdict.changes == (Change(BERLIN, Interval(_at(2020), _at(2022))),)
    assert verdict.stored == Interval(_at(2022), None)


def test_an_older_value_that_arrives_late_becomes_history() -> None:
    verdict = reconcile(_said("I live in Rome", 2018, "rome"), [BERLIN])

    assert (verdict.kind, verdict.concerns, verdict.changes) == ("outdated", (BERLIN,), ())
    assert verdict.stored == Interval(_at(2018), _at(2020))


def test_between_two_versions_the_former_ends_sooner_and_the_latter_stays() -> None:
    ended = structs.replace(BERLIN, valid_to=_at(2024))
    munich = _known(2, "I live in Munich", 2024, slot="lives_in", value="munich")

    verdict = reconcile(_said("I live in Rome", 2022, "rome"), [ended, munich])

    assert (verdict.kind, verdict.concerns) == ("outdated", (munich, ended))
    assert verdict.changes == (Change(ended, Interval(_at(2020), _at(2022))),)
    assert verdict.stored == Interval(_at(2022), _at(2024))


@pytest.mark.parametrize("content", ["I live in Berlin", "i'm living in BERLIN!"])
def test_the_same_value_is_evidence(content: str) -> None:
    verdict = reconcile(_said(content, 2021, "berlin"), [BERLIN])

    assert (verdict.kind, verdict.concerns, verdict.changes) == ("same", (BERLIN,), ())
    assert verdict.stored is None


def test_the_same_value_from_before_lets_it_begin_earlier() -> None:
    verdict = reconcile(_said("I moved to Berlin", 2017, "berlin"), [BERLIN])

    assert verdict.kind == "same"
    assert verdict.changes == (Change(BERLIN, Interval(_at(2017), None)),)


def test_more_detail_refines_and_less_is_the_same() -> None:
    finer = reconcile(_said("I live in Mitte, Berlin", 2021, "mitte, berlin"), [BERLIN])
    coarser = reconcile(
        _said("I live in Berlin", 2021, "berlin"), [structs.replace(BERLIN, value="berlin, germany")]
    )

    assert (finer.kind, finer.concerns, finer.stored) == ("refine", (BERLIN,), None)
    assert coarser.kind == "same"


def test_a_retraction_ends_what_it_names_and_is_kept_as_a_point() -> None:
    verdict = reconcile(_said("I left Berlin", 2022, "berlin", is_over=True), [BERLIN])

    assert verdict.kind == "retract"
    assert verdict.changes == (Change(BERLIN, Interval(_at(2020), _at(2022))),)
    assert verdict.stored == Interval(_at(2022), _at(2022))


@pytest.mark.parametrize(
    ("year", "value", "decision"), [(2018, "berlin", "outdated"), (2022, "rome", "retract")]
)
def test_a_retraction_of_what_does_not_hold_then_changes_nothing(
    year: int, value: str, decision: str
) -> None:
    verdict = reconcile(_said("Not there any more", year, value, is_over=True), [BERLIN])

    assert (verdict.kind, verdict.changes) == (decision, ())


def test_what_was_said_again_since_is_ended_by_nothing_older() -> None:
    confirmed = {BERLIN.id: _at(2024)}

    retraction = reconcile(_said("I left Berlin", 2022, "berlin", is_over=True), [BERLIN], confirmed)
    other = reconcile(_said("I live in Rome", 2022, "rome"), [BERLIN], confirmed)

    assert (retraction.kind, retraction.changes) == ("outdated", ())
    assert (other.kind, other.changes, other.stored) == ("outdated", (), Interval(_at(2022), _at(2024)))


def test_other_subjects_and_slots_are_left_alone() -> None:
    others = [structs.replace(BERLIN, subject="anna"), structs.replace(BERLIN, slot="from")]

    assert reconcile(_said("I live in Rome", 2022, "rome"), others).kind == "add"


def test_the_very_words_written_by_hand_are_the_same() -> None:
    by_hand = _known(3, "i live in berlin.", 2020)

    assert reconcile(_said("I live in Berlin", 2021, "berlin"), [by_hand]).concerns == (by_hand,)


def test_words_written_by_hand_are_not_the_same_as_what_takes_them_back() -> None:
    by_hand = _known(3, "i live in berlin.", 2020)

    assert reconcile(_said("I live in Berlin", 2021, "berlin", is_over=True), [by_hand]).kind == "retract"


def test_a_point_in_time_is_no_memory_to_be_the_same_as() -> None:
    point = _known(3, "i live in berlin.", 2022, 2022)

    assert reconcile(_said("I live in Berlin", 2021, "berlin"), [point]).kind == "add"


def test_what_says_its_own_end_is_stored_with_it() -> None:
    verdict = reconcile(_said("I'm in Rome until 2023", 2022, "rome", valid_to=_at(2023)), [])

    assert verdict.stored == Interval(_at(2022), _at(2023))


def test_more_detail_about_a_plan_says_when_it_is_over() -> None:
    trip = _known(3, "I'm going to Rome in May", 2021, slot="plan:rome", value="2022-05")

    verdict = reconcile(
        _said("I'm going on 3 May", 2021, "2022-05-03", slot="plan:rome", valid_to=_at(2023)), [trip]
    )

    assert (verdict.kind, verdict.changes) == ("refine", (Change(trip, Interval(_at(2021), _at(2023))),))


def test_a_year_of_birth_refines_a_birthday() -> None:
    birthday = _known(3, "My birthday is March 3rd", 2021, slot="birthday", value="03-03")

    verdict = reconcile(_said("I was born on 3 March 1990", 2022, "1990-03-03", slot="birthday"), [birthday])

    assert verdict.kind == "refine"


TENNIS = _known(4, "I play tennis in the park every Tuesday", 2020)


@pytest.mark.parametrize(
    ("content", "decision"),
    [
        ("I play tennis in a park, every Tuesday!", "same"),
        ("I play tennis in the park every Monday", "unsure"),
        ("I swim on Sundays", "add"),
    ],
)
def test_without_a_slot_the_words_decide(content: str, decision: str) -> None:
    verdict = reconcile(_said(content, 2021), [TENNIS])

    assert verdict.kind == decision
    assert (verdict.concerns == (TENNIS,)) is (decision != "add")
    assert (verdict.stored is None) is (decision == "same")


@pytest.mark.parametrize(
    ("value", "decision"),
    [
        ("i play tennis in the park every tuesday", "retract"),
        ("i play tennis in the park every monday", "unsure"),
        ("i met the mayor", "retract"),
    ],
)
def test_words_are_taken_back_by_the_words(value: str, decision: str) -> None:
    verdict = reconcile(_said(f"forget that {value}", 2021, value, slot=None, is_over=True), [TENNIS])

    assert verdict.kind == decision
    assert bool(verdict.changes) is ("tuesday" in value)


def test_sentences_are_compared_by_their_words() -> None:
    assert normal("I’m at THE ｇｙｍ, don't ask!") == "i am at gym do not ask"


def test_dependents_mention_what_is_over_and_were_said_before() -> None:
    ended = structs.replace(BERLIN, valid_to=_at(2022))
    gym = _known(5, "My gym is near my office in Berlin", 2021)
    later = _known(6, "I visit Berlin every month", 2023)
    others = [
        _known(7, "I'm from Berlin", 2021, slot="from", value="berlin"),
        _known(8, "My gym is near the Berliner Bank", 2021),
        _known(9, "I met Tom in Berlin", 2020, 2021),
        structs.replace(gym, id=UUID(int=10), subject="anna"),
    ]

    assert dependents_of(ended, [ended, gym, later, *others]) == [gym]
    assert dependents_of(BERLIN, [gym]) == []


@pytest.mark.parametrize(
    ("slot", "value"),
    [("likes:coffee", "yes"), ("age", "34"), ("from", "berlin"), ("car", "a1"), (None, None)],
)
def test_what_is_mentioned_by_chance_has_no_dependents(slot: str | None, value: str | None) -> None:
    ended = _known(1, "x", 2020, 2022, slot=slot, value=value)

    assert dependents_of(ended, [_known(2, "yes, 34 people from Berlin drive an a1", 2021)]) == []


STORY = (
    _said("I live in Berlin", 2018, "berlin"),
    _said("I moved to Rome", 2019, "rome"),
    _said("I don't live in Rome any more", 2020, "rome", is_over=True),
    _said("I live in Oslo", 2021, "oslo"),
    _said("I left where I lived", 2022, None, slot="lives_in", is_over=True),
    _said("I live in Berlin again", 2023, "berlin"),
)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_the_order_of_arrival_makes_no_difference(count: int) -> None:
    told = STORY[:count]
    results: set[tuple[tuple[str, datetime | None, datetime | None], ...]] = set()
    for order in permutations(told):
        shelf = Shelf()
        for statement in order:
            shelf.take(statement)
        results.add(
            tuple(sorted((each.content, each.valid_from, each.valid_to) for each in shelf.memories.values()))
        )

    assert len(results) == 1


def test_what_holds_in_the_end_is_the_same_even_where_a_value_comes_back() -> None:
    for order in permutations(STORY):
        shelf = Shelf()
        for statement in order:
            shelf.take(statement)

        assert {each.value for each in shelf.memories.values() if each.valid_to is None} == {"berlin"}


@pytest.mark.parametrize("order", list(permutations(range(6), 6))[::37])
def test_a_story_that_is_told_again_changes_nothing(order: tuple[int, ...]) -> None:
    shelf = Shelf()
    for place in order:
        shelf.take(STORY[place])
    before = dict(shelf.memories)

    decisions = [shelf.take(STORY[place]).kind for place in reversed(order)]

    assert decisions == ["same"] * len(STORY)
    assert shelf.memories == before
