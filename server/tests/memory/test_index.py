"""A text as the index has it: hashes that never change, and how often each term occurs."""

from __future__ import annotations

import pytest

from backboard_server.memory.index import hash_of, indexed


@pytest.mark.parametrize(
    ("term", "pinned"), [("rabbit", -787_626_933_848_022_099), ("łódź", 1_085_912_738_362_443_304)]
)
def test_a_hash_is_the_same_as_it_was_when_the_first_index_was_written(term: str, pinned: int) -> None:
    assert hash_of(term) == pinned


def test_hashes_fill_a_signed_number_of_64_bits() -> None:
    hashes = [hash_of(f"term {number}") for number in range(1_000)]

    assert all(-(2**63) <= each < 2**63 for each in hashes)
    assert min(hashes) < -(2**62)
    assert max(hashes) > 2**62
    assert len({*hashes}) == 1_000


def test_frequencies_and_the_length_of_several_texts_add_up() -> None:
    together = indexed("rabbit rabbit carrot", "rabbit turnip")

    frequencies = dict(zip(together.terms, together.frequencies, strict=True))
    one, other = indexed("rabbit rabbit carrot"), indexed("rabbit turnip")
    assert frequencies[hash_of("rabbit")] == 3
    assert {*together.terms} == {*one.terms, *other.terms}
    assert together.length == one.length + other.length


def test_a_frequency_fits_a_small_integer_and_the_length_is_what_it_is() -> None:
    often = indexed(*["rabbit " * 1_000] * 40)

    assert often.frequencies == [32_767]
    assert often.length == 40_000


def test_a_text_without_words_has_no_terms() -> None:
    nothing = indexed("?!", "")

    assert (nothing.terms, nothing.frequencies, nothing.length) == ([], [], 0)
