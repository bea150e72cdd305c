from __future__ import annotations

from backboard_server.providers.embeddings._batches import batches, sendable


def test_a_text_is_cut_and_its_half_characters_become_question_marks() -> None:
    assert sendable("a long text", 6) == "a long"
    assert sendable("half \ud83d here", 100) == "half ? here"
    assert sendable("whole 😀", 100) == "whole 😀"


def test_batches_keep_the_order_and_both_bounds() -> None:
    texts = ["aa", "b", "cccc", "d", "e", "f"]

    groups = list(batches(texts, count_max=2, weight_max=4, weigh=len))

    assert groups == [["aa", "b"], ["cccc"], ["d", "e"], ["f"]]


def test_what_is_too_heavy_by_itself_goes_alone() -> None:
    assert list(batches(["a", "much too heavy", "b"], count_max=9, weight_max=3, weigh=len)) == [
        ["a"],
        ["much too heavy"],
        ["b"],
    ]


def test_nothing_makes_no_batch() -> None:
    assert list(batches([""][:0], count_max=9, weight_max=9, weigh=len)) == []
