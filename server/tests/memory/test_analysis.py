"""A text is found by what it says, however that is spelled, and no text takes more than its share."""

from __future__ import annotations

import pytest

from backboard_server.memory.analysis import (
    CHARACTERS_MAX,
    DATED,
    TERM_CHARACTERS_MAX,
    TERMS_MAX,
    analyse,
)


def finds(question: str, text: str) -> bool:
    return bool((analyse(question).keys() & analyse(text).keys()) - {DATED})


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("study", "She studies a lot"),
        ("run", "He was running"),
        ("agree to plan", "We planned it"),
        ("adopt", "The adoption went through"),
        ("organize", "an organization"),
        ("use", "I am using it"),
        ("box", "two boxes"),
        ("What did I buy?", "I bought a lamp"),
        ("go", "We went to the sea"),
        ("child", "My children are here"),
        ("Caroline", "It is Caroline's"),
        ("O'Brien", "obrien called"),
    ],
)
def test_english_words_are_found_by_their_other_forms(question: str, text: str) -> None:
    assert finds(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("北京", "我昨天去了北京"),
        ("東京タワー", "昨日、東京タワーに行きました。"),
        ("กรุงเทพ", "ฉันอาศัยอยู่ในกรุงเทพ"),
        ("서울", "저는 서울에서 살아요"),
        ("книга", "Я читал книги и книгой доволен, но эта книга лучше"),
        ("программирование", "занимаюсь программированием"),
        ("елка", "Ёлка стоит"),
        ("हिन्दी", "मुझे हिन्दी पसंद है"),
        ("किताबें", "किताबों की दुकान"),
        ("डिफ़ेंस", "डिफेंस"),
        ("كتاب", "قرأت الكتاب"),
        ("Ελλάδα", "της Ελλάδας"),
        ("die Wohnung ist leer", "Ich suche zwei Wohnungen und ein Zimmer"),
        ("Wohnungen und Zimmer", "eine Wohnung"),
        ("größe", "GROESSE ist GRÖSSE"),
        ("cafe", "das Café"),
    ],
)
def test_words_of_other_languages_are_found_in_their_inflections(question: str, text: str) -> None:
    assert finds(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("john.doe@example.com", "Write to John.Doe@Example.com."),
        ("example.com", "john.doe@example.com"),
        ("ORD-1234", "order ord-1234 is late"),
        ("ord1234", "ORD-1234"),
        ("user_id", "the field userId"),
        ("email", "an e-mail came"),
        ("http request", "XMLHttpRequest"),
        ("iphone15", "my iPhone15"),
        ("phone", "my iPhone15"),
        ("1000", "$1,000 a month"),
        ("10:30", "at 10:30"),
        ("3.14", "pi is 3.14"),
        ("18", "on the 18th"),
        ("7 May 2023", "2023-05-07"),
        ("USA", "the U.S.A. and me"),
        ("١٢", "12 apples"),
        ("１２", "12 apples"),  # noqa: RUF001 - wide digits, as Japanese keyboards write them
        ("vitamin d", "plan d"),
    ],
)
def test_numbers_ids_and_names_of_programs_stay_findable(question: str, text: str) -> None:
    assert finds(question, text)


@pytest.mark.parametrize(
    "text",
    ["", " \n", "...", "🎉👩‍👩‍👧", "ـ", "ـ-ـ", "ـ.ـ", "\u0301\u200d", "what is it", "Я и ты", "है और था"],
)
def test_what_says_nothing_by_itself_has_no_terms(text: str) -> None:
    assert analyse(text) == {}


def test_a_month_is_found_though_it_is_spelled_like_a_verb() -> None:
    assert finds("in May", "We met in May")


def test_terms_are_counted() -> None:
    assert analyse("tea, Tea and TEAS") == {"tea": 3}


@pytest.mark.parametrize(
    "text", ["It was yesterday", "two years ago", "on Friday", "in 2019", "2023-05-07", "去年去了"]
)
def test_a_text_that_says_when_is_marked_as_such(text: str) -> None:
    assert analyse(text)[DATED] == 1


@pytest.mark.parametrize("text", ["You may go", "It costs 2500", "#dated"])
def test_a_text_that_does_not_is_not(text: str) -> None:
    assert DATED not in analyse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "a." * 500_000,
        "a'" * 500_000,
        "1,000" * 200_000,
        "\u0301" * 1_000_000,
        "a\u0301" * 500_000,
        "\ufdfa" * 1_000_000,  # one character that is eighteen
        " ".join(f"word{number}" for number in range(100_000)),
        "".join(chr(0x4E00 + number % 20_000) for number in range(200_000)),
        "aB" * 500_000,
        "\x00\ud800 \udfff",
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_no_text_takes_more_than_its_share(text: str) -> None:
    terms = analyse(text)

    assert len(terms) <= TERMS_MAX
    assert sum(terms.values()) <= 2 * CHARACTERS_MAX
    assert max(map(len, terms), default=0) <= TERM_CHARACTERS_MAX


def test_what_follows_a_very_long_text_is_not_indexed() -> None:
    assert "tail" not in analyse("x " * CHARACTERS_MAX + "tail")


def test_every_term_can_be_encoded() -> None:
    assert [term.encode() for term in analyse("naïve \ud800x 東京 \udfffy")]


def test_english_with_a_foreign_name_in_it_stays_english() -> None:
    assert "bridg*" not in analyse("the bridges of la Cruz")
