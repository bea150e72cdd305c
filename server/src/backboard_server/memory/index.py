"""How a text stands in the index: its terms, hashed. Pure."""

from __future__ import annotations

from hashlib import blake2b

from backboard_server.store.memories import IndexedText

from .analysis import analyse

_FREQUENCY_MAX = 32_767


def indexed(*texts: str) -> IndexedText:
    """Return texts as the index has them, together."""
    terms: dict[str, int] = {}
    for text in texts:
        for term, frequency in analyse(text).items():
            terms[term] = terms.get(term, 0) + frequency
    return IndexedText(
        terms=[hash_of(term) for term in terms],
        frequencies=[min(frequency, _FREQUENCY_MAX) for frequency in terms.values()],
        length=sum(terms.values()),
    )


def hash_of(term: str) -> int:
    """Return the hash of a term: the same in every process and release, as it is stored. 64 bits, signed."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "big", signed=True)
