from __future__ import annotations

import pytest

from backboard_server.providers.embeddings.minilm.model import DIMENSIONS, TOKENS_MAX, MiniLM, load_model
from backboard_server.providers.embeddings.minilm.weights import find_folder
from vector_numbers import numbers_of

# The first numbers that the model card's example prints for this sentence.
SENTENCE = "This is an example sentence"
BEGINNING = (0.0676569, 0.0634959, 0.0487131, 0.0793050, 0.0374481, 0.0026528, 0.0393750, -0.0070984)


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return load_model(find_folder())


def test_the_numbers_are_those_of_the_reference(model: MiniLM) -> None:
    embeddings = model.embed(model.tokenize([SENTENCE]))

    numbers = numbers_of(embeddings.vectors[0])
    assert len(numbers) == DIMENSIONS
    assert numbers[: len(BEGINNING)] == pytest.approx(BEGINNING, abs=1e-6)
    assert embeddings.input_tokens == 7


def test_words_become_pieces_between_two_marks(model: MiniLM) -> None:
    assert model.tokenize(["", "hello world", "Hello, WORLD"]) == [
        [101, 102],
        [101, 7592, 2088, 102],
        [101, 7592, 1010, 2088, 102],
    ]


def test_no_text_has_more_tokens_than_the_model_reads(model: MiniLM) -> None:
    (tokens,) = model.tokenize(["word " * 1_000])

    assert (len(tokens), tokens[0], tokens[-1]) == (TOKENS_MAX, 101, 102)
