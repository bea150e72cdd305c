"""A question is read for what it asks: words, names, now or then, and when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backboard_server.memory.analysis import DATED, analyse
from backboard_server.memory.query import NAMES_MAX, TERMS_MAX, Query, analyse_query

SATURDAY = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


def asked(text: str) -> Query:
    return analyse_query(text, asked_at=SATURDAY)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Where does Anna Smith live?", ("Anna Smith",)),
        ("What did I tell Anna about Bob?", ("Anna", "Bob")),
        ('Who said "blue whale" to me?', ("blue whale",)),
        ("Was sagte sie über „Faust“?", ("Faust",)),
        ("Что сказала Маша?", ("Маша",)),
        ("What is it? Tell me.", ()),
        ("What did I do in May, on Monday?", ()),
        ("don't I know it's 'here'", ("here",)),
        ("", ()),
    ],
)
def test_names_are_what_is_quoted_or_capital_within_a_sentence(text: str, names: tuple[str, ...]) -> None:
    assert asked(text).names == names


@pytest.mark.parametrize("telling", ["anna", "ord1234", "10115"])
def test_names_and_ids_weigh_more_than_words(telling: str) -> None:
    terms = asked("Did we send Anna the order ORD-1234 to 10115?").terms

    assert terms[telling] > terms["order"] == 1.0


@pytest.mark.parametrize(
    "text", ["When did I go?", "How long is it?", "Wann war das?", "Когда я пил чай?", "我什么时候去的"]
)
def test_a_question_for_a_time_looks_for_texts_that_say_when(text: str) -> None:
    assert DATED in asked(text).terms


@pytest.mark.parametrize("text", ["How did I feel when it rained?", "What did I say yesterday?"])
def test_another_question_does_not(text: str) -> None:
    assert DATED not in asked(text).terms


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Where do I live?", "now"),
        ("Where did I use to work? I used to like it.", "past"),
        ("What was my previous job?", "past"),
        ("Where did I live in 2019?", "past"),
        ("Wo habe ich früher gewohnt?", "past"),
        ("Où habitais-je avant ?", "past"),
        ("¿Dónde vivía antes?", "past"),
        ("Где я жил раньше?", "past"),
        ("我以前住在哪里", "past"),
        ("What changed at work?", "change"),
        ("Am I not vegan anymore?", "change"),
        ("Do I no longer smoke?", "change"),
        ("Esse ich Fleisch nicht mehr?", "change"),
        ("Что изменилось?", "change"),
        ("什么变了", "change"),
        ("Change my address.", "now"),
        ("Any more ideas?", "now"),
    ],
)
def test_a_question_is_about_now_about_then_or_about_what_became_of_it(text: str, intent: str) -> None:
    assert asked(text).intent == intent


def test_the_time_that_a_question_names_is_its_window() -> None:
    assert asked("What did I do in May 2023?").window == (
        datetime(2023, 5, 1, tzinfo=UTC),
        datetime(2023, 6, 1, tzinfo=UTC),
    )


def test_a_time_that_is_counted_from_now_is_not_looked_for_in_words() -> None:
    assert asked("What did Bob eat last week?").terms.keys() == {"bob", "eat"}


def test_a_date_is_looked_for_in_words_too() -> None:
    assert {"2023", "may"} <= asked("What did Bob eat in May 2023?").terms.keys()


@pytest.mark.parametrize(
    ("text", "remembered"),
    [
        ("Wohnung", "Ich suche zwei Wohnungen und ein Zimmer"),
        ("программы", "Я пишу программу"),
        ("北京", "我昨天去了北京"),
        ("東京タワー", "昨日、東京タワーに行きました。"),
        ("किताबें", "किताबों की दुकान"),
        ("กรุงเทพ", "ฉันอาศัยอยู่ในกรุงเทพ"),
    ],
)
def test_one_word_of_any_language_finds_its_other_forms(text: str, remembered: str) -> None:
    assert asked(text).terms.keys() & analyse(remembered).keys()


def test_a_question_of_nothing_but_a_time_still_has_terms() -> None:
    assert asked("yesterday?").terms


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "May " * 300_000,
        "'" * 1_000_000,
        '"' * 1_000_000,
        "what " * 200_000,
        "Aa1 " * 200_000,
        " ".join(f"Word{number}" for number in range(50_000)),
        "999 years ago " * 50_000,
        "昨" * 1_000_000,
        "\x00\ud800",
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_a_hostile_question_is_cut_short(text: str) -> None:
    query = asked(text)

    assert len(query.terms) <= TERMS_MAX
    assert len(query.names) <= NAMES_MAX
