"""A question is read for what it asks: words, names, now or then, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backboard_server.memory.analysis import DATED, analyse
from backboard_server.memory.query import NAMES_MAX, TERMS_MAX, Query, analyse_query

SATURDAY = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


def asked(text: str) -> Query:
    return analyse_query(text, asked_at=SATURDAY)


def days(window: tuple[datetime, datetime] | None) -> tuple[str, str] | None:
    return window and (window[0].date().isoformat(), window[1].date().isoformat())


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


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("today", ("2026-11-28", "2026-11-29")),
        ("yesterday", ("2026-11-27", "2026-11-28")),
        ("the day before yesterday", ("2026-11-26", "2026-11-27")),
        ("three days ago", ("2026-11-25", "2026-11-26")),
        ("a couple of weeks ago", ("2026-11-09", "2026-11-16")),
        ("2 months ago", ("2026-09-01", "2026-10-01")),
        ("a year ago", ("2025-01-01", "2026-01-01")),
        ("Last week", ("2026-11-16", "2026-11-23")),
        ("last weekend", ("2026-11-21", "2026-11-23")),
        ("this month", ("2026-11-01", "2026-12-01")),
        ("last year", ("2025-01-01", "2026-01-01")),
        ("last Friday", ("2026-11-27", "2026-11-28")),
        ("on Saturday", ("2026-11-21", "2026-11-22")),
        ("in the last 3 months", ("2026-08-01", "2026-11-28")),
        ("2023-05-07", ("2023-05-07", "2023-05-08")),
        ("in 2023-05", ("2023-05-01", "2023-06-01")),
        ("am 07.05.2023", ("2023-05-07", "2023-05-08")),
        ("on 7 May 2023", ("2023-05-07", "2023-05-08")),
        ("on the 7th of May, 2023", ("2023-05-07", "2023-05-08")),
        ("on May 7th, 2023", ("2023-05-07", "2023-05-08")),
        ("on 7 May", ("2026-05-07", "2026-05-08")),
        ("on 24 December", ("2025-12-24", "2025-12-25")),
        ("in May 2023", ("2023-05-01", "2023-06-01")),
        ("in December", ("2025-12-01", "2026-01-01")),
        ("between May and July 2023", ("2023-05-01", "2023-08-01")),
        ("between 2019 and 2021", ("2019-01-01", "2022-01-01")),
        ("2022", ("2022-01-01", "2023-01-01")),
        ("since March", ("2026-03-01", "2026-11-28")),
        ("after May 2024", ("2024-06-01", "2026-11-28")),
        ("before 2020", ("1900-01-01", "2020-01-01")),
        ("gestern", ("2026-11-27", "2026-11-28")),
        ("что я сказал вчера?", ("2026-11-27", "2026-11-28")),
        ("我昨天说了什么", ("2026-11-27", "2026-11-28")),
    ],
)
def test_the_time_that_a_question_names_is_its_window(text: str, window: tuple[str, str]) -> None:
    assert days(asked(text).window) == window


@pytest.mark.parametrize(
    "text",
    [
        "",
        "You may march on",
        "31 February",
        "room 2048",
        "the player",
        "2023-13-01",
        "999999 years ago",
        "9999-12-31",
    ],
)
def test_what_names_no_time_to_remember_has_no_window(text: str) -> None:
    assert asked(text).window is None


def test_a_day_begins_where_it_is_asked() -> None:
    tokyo = timezone(timedelta(hours=9))

    window = analyse_query("yesterday", asked_at=SATURDAY.astimezone(tokyo)).window

    assert window == (datetime(2026, 11, 27, tzinfo=tokyo), datetime(2026, 11, 28, tzinfo=tokyo))


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
