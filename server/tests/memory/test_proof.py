"""Proving: a fact that a model drew is kept if the messages say it, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Statement
from backboard_server.memory.prompts import DraftFact
from backboard_server.memory.proof import FACTS_MAX, Refusal, Said, proved

SATURDAY = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
BERLIN = "I moved to Berlin last Sunday, and I hate the noise."

Changes = dict[str, Any]


def said(content: str, role: Any = "user") -> Said:
    return Said(message_id=new_id(), role=role, content=content, said_at=SATURDAY)


def fact(**changes: Any) -> DraftFact:
    """A fact that the message BERLIN, as the first one, proves."""
    fields: Changes = {
        "content": "The user lives in Berlin.", "quote": "I moved to Berlin last Sunday", "message": "m1",
        "slot": "lives_in", "value": "berlin", "confidence": 0.95, "valid_from": "2026-11-22",
    }  # fmt: skip
    return DraftFact(**fields | changes)


def judged(drafts: Sequence[DraftFact], *messages: Said) -> tuple[list[Statement], Mapping[Refusal, int]]:
    return proved(drafts, {f"m{number}": message for number, message in enumerate(messages, 1)}, ())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        *[({"quote": quote}, "no_quote") for quote in ("I moved to Bonn", " ")],
        *[({"message": name}, "no_quote") for name in ("m2", "m7")],
        *[(each, "too_long") for each in ({"content": "Berlin. " * 90}, {"quote": BERLIN * 30})],
        ({"content": " … "}, "malformed"),
        ({"confidence": 0.3}, "transient"),
        ({"speaker": "assistant"}, "assistant_made"),
        ({"content": "the user  IS in Berlin."}, "duplicate"),
        ({"content": "The user is of Berlin.", "slot": "Is In"}, "duplicate"),
    ],
)
def test_a_fact_without_proof_is_refused_and_counted(changes: Changes, reason: str) -> None:
    good = fact(content="The user is in Berlin.", slot="is_in")

    statements, refused = judged([good, fact(**changes)], said(BERLIN), said("Noted.", "assistant"))

    assert [statement.content for statement in statements] == ["The user is in Berlin."]
    assert refused == {reason: 1}


def test_a_turn_gives_a_bounded_number_of_facts() -> None:
    many = [fact(content=f"The user has lived in {n} towns.", slot=None) for n in range(35)]

    statements, refused = judged(many, said(BERLIN))

    assert (len(statements), refused) == (FACTS_MAX, {"too_many": 5})


@pytest.mark.parametrize(
    ("content", "quote", "text"),
    [
        ("I live\n  in\tBerlin.", "I live in Berlin", "I live\n  in\tBerlin"),
        ("I live in Berlin.", '"I live\nin Berlin…"', "I live in Berlin"),
        ("I don\u2019t eat nuts \u2013 ever", "I don't eat nuts - ever", "I don\u2019t eat nuts \u2013 ever"),
        ("a+b (c) [d]", "a+b (c) [d]", "a+b (c) [d]"),
    ],
)
def test_blanks_and_bent_marks_hide_no_quote(content: str, quote: str, text: str) -> None:
    (statement,), _ = judged([fact(quote=quote)], said(f"Well: {content}"))

    assert (statement.quotes[0].start, statement.quotes[0].text) == (6, text)


def test_what_the_assistant_claims_of_the_user_is_refused_until_the_user_agrees() -> None:
    claim, agreed = fact(quote="You live in Berlin"), fact(quote="Exactly", message="m2")

    statements, refused = judged([claim, agreed], said("You live in Berlin?", "assistant"), said("Exactly."))

    assert refused == {"assistant_made": 1}
    assert [statement.quotes[0].text for statement in statements] == ["Exactly"]


def test_what_the_assistant_says_of_other_things_is_its_own() -> None:
    advice = fact(content="The Adlon was recommended.", subject="The Adlon", quote="Try the Adlon", slot=None)

    (statement,), _ = judged([advice], said("Try the Adlon.", "assistant"))

    assert (statement.speaker, statement.subject) == ("assistant", "the adlon")


@pytest.mark.parametrize(
    ("message", "given", "is_echo"),
    [
        (said("A hotel in town."), ["I like tea.", "Tom lives in Berlin"], True),
        (said("A Tom lives in Berlin.", "assistant"), ["Tom lives in Berlin"], True),
        (said("A home in Berlin has Tom."), ["Tom lives in Berlin"], False),
        (said("A hotel in town."), ["Tom lives in Bonn"], False),
    ],
)
def test_what_the_model_was_given_comes_back_as_no_fact_unless_the_user_says_it(
    message: Said, given: list[str], is_echo: bool
) -> None:
    tom = fact(content="Tom lives in Berlin.", subject="tom", quote="A")

    assert proved([tom], {"m1": message}, given)[1] == ({"echo": 1} if is_echo else {})


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ((None, None), (SATURDAY, None)),
        (("2026-11-22T08:00:00+02:00", "never"), (datetime(2026, 11, 22, 6, tzinfo=UTC), None)),
        (("2019", "2021-06"), (datetime(2019, 1, 1, tzinfo=UTC), datetime(2021, 6, 1, tzinfo=UTC))),
        ((None, "2021-06-30"), (datetime(2021, 6, 30, tzinfo=UTC), datetime(2021, 6, 30, tzinfo=UTC))),
        (("0001-01-01T00:00:00+14:00", "9999-99"), (SATURDAY, None)),
        (("2019", "2021-06", True), (datetime(2021, 6, 1, tzinfo=UTC), None)),
        (("2021-06", None, True), (datetime(2021, 6, 1, tzinfo=UTC), None)),
    ],
)
def test_dates_are_read_as_far_as_they_are_dates(dates: Any, expected: Any) -> None:
    given = dict(zip(("valid_from", "valid_to", "is_over"), dates, strict=False))

    (statement,), _ = judged([fact(**given)], said(BERLIN))

    assert (statement.valid_from, statement.valid_to) == expected


def test_what_begins_and_ends_in_one_turn_is_two_facts() -> None:
    statements, _ = judged([fact(), fact(content="The user left Berlin.", is_over=True)], said(BERLIN))

    assert [statement.is_over for statement in statements] == [False, True]


def test_a_long_term_is_cut() -> None:
    (statement,), _ = judged([fact(value="b" * 500)], said(BERLIN))

    assert statement.value == "b" * 120


def test_terms_are_brought_into_one_form() -> None:
    odd = fact(subject="The User", slot=" Lives In ", value="New  York\0", confidence=9)

    (statement,), _ = judged([odd], said(BERLIN))

    assert (statement.subject, statement.slot, statement.value) == ("user", "lives_in", "new york")
    assert statement.confidence == 1.0


def test_chinese_stays_chinese() -> None:
    kept = fact(content="用户喜欢绿茶。", quote="我喜欢绿茶", slot="likes:绿茶", value="yes")
    translated, agreed = fact(quote="住在柏林"), fact(content="The user agrees.", quote="是的", slot=None)

    statements, _ = judged([kept, translated, agreed], said("是的。我喜欢绿茶。住在柏林。"))

    assert [each.content for each in statements] == ["用户喜欢绿茶。", "住在柏林", "The user agrees."]
