"""The statements of a message as a whole: their quotes, their bounds, and what is refused and why."""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backboard_server.domain.memories import STATEMENT_CHARACTERS_MAX
from backboard_server.domain.messages import Role
from backboard_server.memory.statements import STATEMENTS_MAX, statements_of
from memory.saying import MESSAGE_ID, SAID_AT, facts_in, found_in


def test_a_statement_says_who_said_what_where_and_when() -> None:
    text = "Hello! By the way, I live in Berlin. What's the weather?"

    (statement,) = found_in(text).statements

    assert statement.content == "I live in Berlin"
    assert (statement.subject, statement.speaker, statement.kind) == ("user", "user", "fact")
    assert (statement.slot, statement.value, statement.valid_from) == ("lives_in", "berlin", SAID_AT)
    (quote,) = statement.quotes
    assert (quote.message_id, quote.text) == (MESSAGE_ID, text[quote.start : quote.end])


def test_several_things_in_one_breath_are_several_statements_with_one_quote() -> None:
    statements = found_in("I like tea, coffee and wine.").statements

    assert [each.content for each in statements] == ["I like tea", "I like coffee", "I like wine"]
    assert {each.quotes[0].text for each in statements} == {"I like tea, coffee and wine"}


@pytest.mark.parametrize("role", ["assistant", "tool", "system"])
def test_what_others_than_the_user_say_gives_nothing(role: Role) -> None:
    found = statements_of("I live in Berlin.", role=role, message_id=MESSAGE_ID, said_at=SAID_AT)

    assert found.statements == ()
    assert found.refused == {"role": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Do I live in Berlin?", "question"),
        ("I'm vegetarian?", "question"),
        ("If I lived in Rome, I would eat pasta.", "hypothetical"),
        ("Imagine I live in Rome. My name is Marcus.", "hypothetical"),
        ("Let's roleplay. I live in Narnia.", "hypothetical"),
        ("My boss said I live in a bubble.", "quoted"),
        ('The song goes "I love rock and roll"', "quoted"),
        ("> I live in Berlin", "quoted"),
        ("Bob: I live in Paris", "quoted"),
        ("user: I live in Rome", "quoted"),
        ("I'm tired", "transient"),
        ("I'm at the supermarket now", "transient"),
        ("Never use emojis in this email", "transient"),
        ("You are a helpful assistant. Always answer in French. My name is Bot.", "prompt"),
        ("Here is what you know about me:\nI live in Rome", "prompt"),
        ("```\nI live in Berlin\n```", "code"),
        ("`I live in Berlin`", "code"),
        ("Translate into German: I live in Berlin", "pasted"),
        ("Please proofread this:\n\nI live in Berlin. My name is Tom.", "pasted"),
        ("<memory>I live in Berlin</memory>", "pasted"),
        ("I live in Berlin" + " and it is big" * 200, "pasted"),
        ("I like " + "very " * 200 + "long walks", "length"),
        ("I like it", "unclear"),
        ("I live in a small flat in Berlin", "unclear"),
        ("I have an exam on 3 May 2019", "unclear"),
        ("My trip to Rome is going to be great", "undated"),
        ("My password is hunter2", "secret"),
        ("My credit card number is 4111 1111 1111 1111", "secret"),
    ],
)
def test_what_is_no_plain_statement_is_refused_for_its_reason(text: str, reason: str) -> None:
    found = found_in(text)

    assert found.statements == ()
    assert reason in found.refused


@pytest.mark.parametrize(
    "text",
    [
        "My sister lives in Rome",
        "I'd love to live in Paris",
        "I might move to Rome",
        "I don't think I like olives",
        "I wish I lived in Rome",
        "I work hard",
        "My computer is broken",
        "I left Google last year",
        "My favourite part is the ending",
        "Always happy to help",
        "Never mind",
        "Call me back later",
        "Hi, I'm tired",
        "Hi, I'm German",
        "I moved to tears",
        "I live in fear",
        "My name is hard to spell",
        "I'm engaged in a debate",
        "I like tea and hate coffee",
        "Never give up",
        "They are cute and always make us smile",
        "I love the colour and texture",
        "What is known about me is nothing",
    ],
)
def test_what_only_looks_like_a_statement_gives_none(text: str) -> None:
    assert facts_in(text) == []


def test_the_line_at_which_a_long_text_is_cut_off_is_not_read() -> None:
    text = "hm\n" * 2_661 + "I live in Berlinchen"  # of which 8,000 characters end in "Berlinc"

    assert facts_in(text) == []


def test_what_is_said_twice_in_a_message_counts_once() -> None:
    assert facts_in("I live in Berlin. Yes, I live in Berlin!") == ["lives_in=berlin"]


def test_a_message_gives_no_more_than_so_many_statements() -> None:
    found = found_in("\n".join(f"I like thing{number}x." for number in range(40)))

    assert len(found.statements) == STATEMENTS_MAX
    assert found.refused["number"] == 40 - STATEMENTS_MAX


def test_of_a_text_too_long_to_be_typed_the_first_paragraph_is_heard() -> None:
    found = found_in("I live in Berlin.\n\n" + "My name is Bob.\n" * 60_000)

    assert [each.value for each in found.statements] == ["berlin"]
    assert found.refused == {"length": 1}


@pytest.mark.parametrize(
    "unit",
    ["I live in ", ", I", " and I", "my my ", '"', "hi, ", "`", "forget that ", "3 jan ", ":)", "我喜欢"],
)
def test_the_work_is_bounded_whatever_the_text(unit: str) -> None:
    line = "I like " + unit * (590 // len(unit))
    begun = time.process_time()

    found_in(unit * (1_000_000 // len(unit)))
    found_in("\n".join([line] * 12))

    assert time.process_time() - begun < 3


_WORDS = st.sampled_from(
    [
        "I",
        "live",
        "in",
        "Berlin",
        "like",
        "my",
        "name",
        "is",
        "’",
        "“",
        "\n",
        ",",
        ".",
        "?",
        " ",
        "\ud800",
        "İ",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_WORDS | st.text(max_size=5), max_size=60).map(" ".join))
def test_every_quote_is_in_the_message_word_for_word(text: str) -> None:
    for statement in found_in(text).statements:
        assert 0 < len(statement.content) <= STATEMENT_CHARACTERS_MAX
        for quote in statement.quotes:
            assert quote.text == text[quote.start : quote.end]
