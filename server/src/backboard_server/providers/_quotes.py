"""Lexical search for the sentences closest to a question: BM25, in any script."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence

from msgspec import Struct

SEARCHED_CHARACTERS_MAX = 200_000  # the newest; more would hold up the other streams of the process
QUOTE_CHARACTERS_MAX = 400

_SATURATION = 1.2  # BM25's k1
_LENGTH_WEIGHT = 0.75  # BM25's b
_WORTH_OF_QUESTION = 0.25
_WORTH_OF_RECENCY = 0.2  # how much more the newest sentence counts than the oldest: people correct themselves
_CLOSE_ENOUGH = 0.7  # of the best score
_WORTH_A_LOOK = 0.25  # of the best score, for a sentence about another part of the question

# A small letter after a full stop belongs to an abbreviation: at 3 p.m. in room B.
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?![a-z])|(?<=[。\uff01\uff1f।؟])\s*|\n")
_QUESTION_MARKS = "?\uff1f؟"
_WORD = re.compile(r"[^\W_]+")
# Scripts written without spaces: Thai to Khmer, kana, Han; Hangul has them, but particles stick to its words.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+"
)
_SUFFIXES = ("s", "ing", "ed", "e")  # taken off in this order: meetings, meeting, meet
_STEM_LETTERS_MIN = 3
_STOP_WORDS = frozenset(
    word
    for line in (
        "a about am an and any are as at be been but by can could did do does for from had has have he her",
        "him his how i if in into is it its just know me might my no not of on or our please remember say",
        "said she should so some tell than that the their them then there these they this those to up us",
        "was we were what when where which who whom whose why will with would you your",
    )
    for word in line.split()
)


class Passage(Struct, frozen=True):
    """A text to quote from; `worth` multiplies the score of its statements."""

    text: str
    worth: float = 1.0


class _Sentence(Struct, frozen=True):
    text: str
    folded: str
    worth: float


def closest(question: str, passages: Sequence[Passage], count_max: int) -> list[str]:
    """Return the sentences of `passages` that say most about `question`, the closest first.

    Passages run from oldest to newest. A sentence that only repeats the question is never returned.
    """
    asked = _folded(question)
    terms = set(_terms(asked))
    sentences = [sentence for sentence in _sentences(passages) if sentence.folded != asked]
    scores = _scores(terms, sentences)
    ranked = sorted(zip(scores, sentences, strict=True), key=lambda scored: -scored[0])
    return [_shortened(text) for text in _worth_quoting(terms, ranked, count_max)]


def _worth_quoting(terms: set[str], ranked: list[tuple[float, _Sentence]], count_max: int) -> list[str]:
    """Return the best sentence, those nearly as good, and those about a part of the question left out."""
    chosen: list[str] = []
    covered: set[str] = set()
    best = ranked[0][0] if ranked else 0.0
    for score, sentence in ranked:
        if score <= 0 or score < best * _WORTH_A_LOOK or len(chosen) == count_max:
            break
        speaks_of = terms & set(_terms(sentence.folded))
        if sentence.text not in chosen and (score >= best * _CLOSE_ENOUGH or not speaks_of <= covered):
            chosen.append(sentence.text)
            covered |= speaks_of
    return chosen


def _sentences(passages: Sequence[Passage]) -> list[_Sentence]:
    """Cut passages into sentences, oldest first, leaving out the oldest where there is too much."""
    found: list[_Sentence] = []
    left = SEARCHED_CHARACTERS_MAX
    for passage in reversed(passages):
        if left <= 0:
            break
        text = passage.text[-left:]
        left -= len(text)
        for sentence in reversed(_SENTENCE_END.split(text)):
            folded = _folded(sentence)
            if folded:
                worth = passage.worth * (_WORTH_OF_QUESTION if folded[-1] in _QUESTION_MARKS else 1.0)
                found.append(_Sentence(sentence.strip(), folded, worth))
    found.reverse()
    return found


def _scores(terms: set[str], sentences: list[_Sentence]) -> list[float]:
    """Return a BM25 score for each sentence, weighted by its worth and its age."""
    # A stem is a part of its word: a sentence without its letters need not be taken apart.
    counts = [
        _counted(terms, sentence.folded) if any(term in sentence.folded for term in terms) else {}
        for sentence in sentences
    ]
    holders = {term: sum(term in counted for counted in counts) for term in terms}
    length_mean = sum(len(sentence.folded) for sentence in sentences) / max(1, len(sentences))
    scores: list[float] = []
    for place, (sentence, counted) in enumerate(zip(sentences, counts, strict=True)):
        length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * len(sentence.folded) / length_mean
        relevance = sum(
            _rarity(holders[term], len(sentences))
            * count
            * (_SATURATION + 1)
            / (count + _SATURATION * length)
            for term, count in counted.items()
        )
        scores.append(relevance * sentence.worth * (1 + _WORTH_OF_RECENCY * place / len(sentences)))
    return scores


def _rarity(holders: int, sentences: int) -> float:
    return math.log(1 + (sentences - holders + 0.5) / (holders + 0.5))


def _counted(terms: set[str], folded: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for term in _terms(folded):
        if term in terms:
            counts[term] = counts.get(term, 0) + 1
    return counts


def _terms(folded: str) -> Iterator[str]:
    """Yield the stems of the words that mean something, and pairs of letters for scripts without spaces."""
    for run in _UNSPACED.findall(folded):
        yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))
    for word in _WORD.findall(_UNSPACED.sub(" ", folded)):
        if word not in _STOP_WORDS:
            yield _stem(word)


def _stem(word: str) -> str:
    """Cut the endings that English verbs and plurals take; other languages lose little by it."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and not word.endswith("ss") and len(word) - len(suffix) >= _STEM_LETTERS_MIN:
            word = word.removesuffix(suffix)
    return word


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _shortened(text: str) -> str:
    return text if len(text) <= QUOTE_CHARACTERS_MAX else text[: QUOTE_CHARACTERS_MAX - 1] + "…"
