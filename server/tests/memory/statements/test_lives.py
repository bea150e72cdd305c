"""Home, origin, work, languages, and where somebody is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory.saying import facts_in, found_in


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("i live in berlin", ["lives_in=berlin"]),
        ("I live in Berlin, Germany", ["lives_in=berlin, germany"]),
        ("I live in the UK with my dog", ["lives_in=uk"]),
        ("I moved from New York to San Francisco", ["lives_in=san francisco"]),
        ("I don't live in Berlin any more", ["!lives_in=berlin"]),
        ("I used to live in Rome but now I live in Milan", ["!lives_in=rome", "lives_in=milan"]),
        ("I'm originally from Rome", ["from=rome"]),
        ("I grew up in Oslo", ["grew_up_in=oslo"]),
        ("I work at Google as an engineer", ["works_at=google"]),
        ("I'm a software engineer", ["works_as=software engineer"]),
        ("I'm a mess", []),
        ("I quit my job at Google", ["!works_at=google"]),
        ("I got laid off", ["!works_at=None"]),
        ("I'm retired", ["works_as=retired"]),
        ("I speak German and French", ["speaks:german=yes", "speaks:french=yes"]),
        ("I speak fluent Klingon", []),
        ("I'm learning Spanish", ["learns:spanish=yes"]),
        ("My email is sam@example.com", ["email=sam@example.com"]),
        ("My email is wrong", []),
        ("My phone number is 555-0100", ["phone number=555-0100"]),
    ],
)
def test_where_one_lives_and_works(text: str, facts: list[str]) -> None:
    assert facts_in(text) == facts


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("I've lived in Berlin since 2019", datetime(2019, 1, 1, tzinfo=UTC)),
        ("I moved to Berlin in May 2021", datetime(2021, 5, 1, tzinfo=UTC)),
        ("I moved to Berlin last week", datetime(2023, 1, 3, tzinfo=UTC)),
        ("I've been working at Acme since March 2021", datetime(2021, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_date_says_since_when(text: str, since: datetime) -> None:
    (statement,) = found_in(text).statements

    assert statement.valid_from == since
