from __future__ import annotations

from time import process_time

import pytest

from backboard_server.providers._quotes import QUOTE_CHARACTERS_MAX, SEARCHED_CHARACTERS_MAX, Passage, closest

SECONDS_MAX = 20.0  # of CPU time: generous, as what it guards against takes minutes
CONVERSATION = [
    Passage("My name is Ada. I live in a small house near Lyon."),
    Passage("What is my name?"),
    Passage("The printer broke again!\nThe meeting moved to Tuesday at 3.30 p.m. in room B."),
]


def _closest(question: str, *texts: str) -> str:
    return closest(question, [Passage(text) for text in texts], 1)[0]


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("What's my name?", "My name is Ada."),
        ("Which houses did I mention?", "I live in a small house near Lyon."),
        ("WHERE IS LYON?", "I live in a small house near Lyon."),
        ("When are the meetings?", "The meeting moved to Tuesday at 3.30 p.m. in room B."),
        ("Is the printer broken?", "The printer broke again!"),
    ],
)
def test_the_sentence_that_shares_the_words_is_found(question: str, sentence: str) -> None:
    assert closest(question, CONVERSATION, 1) == [sentence]


@pytest.mark.parametrize(
    ("question", "sentence", "other"),
    [
        ("Comment s'appelle ma chienne ?", "Ma chienne s'appelle Praline.", "Il pleut à Nantes."),
        ("Wo wohnt meine Schwester?", "Meine Schwester wohnt in Köln.", "Der Zug hat Verspätung."),
        ("Как зовут мою кошку?", "Мою кошку зовут Мурка.", "Сегодня холодно."),
        ("我的生日是几月?", "我的生日是五月三日。", "今天天气很好。"),
        ("私の犬の名前は何ですか?", "私の犬の名前はポチです。", "今日は雨が降っています。"),
        ("내 고양이 이름이 뭐야?", "내 고양이 이름은 나비야.", "오늘은 비가 와."),
        ("แมวของฉันชื่ออะไร", "แมวของฉันชื่อมะลิ", "วันนี้ฝนตก"),
    ],
)
def test_other_languages_and_scripts_without_spaces_are_searched_as_well(
    question: str, sentence: str, other: str
) -> None:
    assert _closest(question, other, sentence) == sentence
    assert _closest(question, sentence, other) == sentence


def test_a_statement_is_preferred_to_a_question_and_the_question_itself_is_never_quoted() -> None:
    passages = [Passage("My name is Ada."), Passage("What is my name?"), Passage("Do you know my name?")]

    assert closest("What is my name?", passages, 3) == ["My name is Ada."]
    assert closest("My dog Rex.", [Passage("Rex is a dog."), Passage("My dog Rex.")], 3) == ["Rex is a dog."]


def test_the_later_of_two_equal_statements_is_preferred() -> None:
    assert _closest("Which colour do I like?", "I like the colour red.", "I like the colour blue.").endswith(
        "blue."
    )


def test_a_passage_of_less_worth_yields_to_one_of_more() -> None:
    passages = [Passage("The code is 1234.", 1.0), Passage("The code is 9999.", 0.5)]

    assert closest("What is the code?", passages, 1) == ["The code is 1234."]


def test_nothing_is_quoted_where_nothing_matches() -> None:
    assert closest("Tell me about volcanoes.", CONVERSATION, 3) == []
    assert closest("What is it?", CONVERSATION, 3) == []
    assert closest("", CONVERSATION, 3) == []
    assert closest("Hello?", [], 3) == []


def test_a_long_sentence_is_shortened() -> None:
    quote = _closest("volcano", "volcano " * 200)

    assert len(quote) == QUOTE_CHARACTERS_MAX
    assert quote.endswith("…")


@pytest.mark.parametrize("filling", [" ", "\n", ". ", "? a", "…", "。", "的", "dragon", "."])
def test_no_text_makes_the_search_slow(filling: str) -> None:
    text = filling * (SEARCHED_CHARACTERS_MAX // len(filling))

    started = process_time()
    closest("Where is the dragon? 的的", [Passage(text)], 3)

    assert process_time() - started < SECONDS_MAX


def test_a_long_history_is_searched_from_its_newest_end_in_bounded_time() -> None:
    story = "The dragon is green. " + "It was a long day at sea. " * 200_000

    started = process_time()
    quotes = closest("What about the dragon?", [Passage("A dragon!"), Passage(story)], 1)

    assert quotes == []
    assert process_time() - started < SECONDS_MAX


def test_a_question_of_two_parts_is_answered_from_two_sentences() -> None:
    passages = [
        Passage("My name is Ada and I am building a weather station in Oslo."),
        Passage("The sensors may cost 300 euros, and the first prototype is due on 12 March."),
    ]

    quotes = closest("What is my name, and when is the first prototype due?", passages, 3)

    assert quotes == [passages[1].text, passages[0].text]
