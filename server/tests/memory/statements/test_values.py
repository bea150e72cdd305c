"""Values as they are cut, written down and doubted."""

from __future__ import annotations

import pytest

from backboard_server.memory.statements.values import (
    SETTLED,
    TASTE,
    folded,
    is_named,
    items_of,
    key_of,
    pointed,
)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("peanuts", "peanut"),
        ("berries", "berry"),
        ("tomatoes", "tomato"),
        ("jazz", "jazz"),
        ("tennis", "tennis"),
        ("glass", "glass"),
        ("horror movies", "horror film"),
        ("color", "colour"),
        ("emojis", "emoji"),
        ("", ""),
    ],
)
def test_one_key_for_a_thing_and_its_plural(value: str, key: str) -> None:
    assert key_of(value) == key


def test_a_value_ends_where_its_circumstances_begin() -> None:
    assert SETTLED.split("Berlin with my dog") == ("Berlin", " with my dog")
    assert TASTE.split("coffee with milk too") == ("coffee with milk", " too")
    assert TASTE.ends(" .")
    assert not TASTE.ends(" in theory")


def test_values_are_compared_without_case_and_article() -> None:
    assert folded(" The  BEATLES! ") == "beatles"
    assert folded("Las Vegas") == "las vegas"


def test_lists_are_taken_apart() -> None:
    assert items_of("tea, coffee, and wine or beer") == ["tea", "coffee", "wine", "beer"]


def test_what_points_elsewhere_is_no_value() -> None:
    assert pointed(["that", "idea"])
    assert pointed(["the", "second", "one"])
    assert not pointed(["green", "tea"])


@pytest.mark.parametrize(
    ("item", "clause", "expected"),
    [
        ("Berlin", "I live in Berlin", True),
        ("berlin", "i live in berlin", True),
        ("berlin", "I live in berlin", False),
        ("fear", "i live in fear", False),
        ("北京", "我住在北京", True),
        ("", "I live in", False),
    ],
)
def test_names_are_written_as_their_writer_writes_names(item: str, clause: str, expected: bool) -> None:
    assert is_named(item, clause) is expected
