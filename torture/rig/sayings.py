"""Questions that say how they are to be answered, and the answer to each: a function of the question.

So a client that knows what it asked knows what must be stored, whoever answered it, and however often.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from msgspec import Struct

_QUESTION = re.compile(
    r"(?P<nonce>q[0-9a-z-]+) words=(?P<words>\d+) first=(?P<first>\d+) pace=(?P<pace>\d+) "
    r"calls=(?P<calls>[\w,]*)"
)
_WORD_CHARACTERS = 5
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class Question(Struct, frozen=True, kw_only=True):
    """A message of a user: unique by its nonce.

    `words` are how many the answer has, `first_milliseconds` and `pace_milliseconds` are the vendor's pauses
    before the first and before each further one. `calls` are tools that the model calls before it answers.
    """

    nonce: str
    words: int = 12
    first_milliseconds: int = 0
    pace_milliseconds: int = 0
    calls: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The question as it is sent."""
        return (
            f"{self.nonce} words={self.words} first={self.first_milliseconds} pace={self.pace_milliseconds} "
            f"calls={','.join(self.calls)}"
        )

    def call_ids(self) -> list[str]:
        """Return the ids of the calls, the same whenever the model is asked."""
        return [f"call_{self.nonce}_{place}" for place, _ in enumerate(self.calls)]

    def answer(self, outputs: Sequence[str] = ()) -> str:
        """Return what the model says in the end; what tools returned is a part of it."""
        seed = "|".join((self.nonce, *outputs))
        return " ".join(_word(seed, place) for place in range(self.words))

    def honest_answer(self) -> str:
        """Return the answer when each call was given the output that is due to it."""
        return self.answer([output_of(call_id) for call_id in self.call_ids()])


def question_in(text: str) -> Question | None:
    """Return the question that a text is, None for any other."""
    found = _QUESTION.fullmatch(text)
    if found is None:
        return None
    return Question(
        nonce=found["nonce"],
        words=int(found["words"]),
        first_milliseconds=int(found["first"]),
        pace_milliseconds=int(found["pace"]),
        calls=tuple(filter(None, found["calls"].split(","))),
    )


def output_of(call_id: str) -> str:
    """Return what the application's tool returns for a call."""
    return f"output {hashlib.sha256(call_id.encode()).hexdigest()[:12]}"


def digest(text: str) -> str:
    """Return a short hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _word(seed: str, place: int) -> str:
    hashed = hashlib.sha256(f"{seed}|{place}".encode()).hexdigest()
    return hashed[:_WORD_CHARACTERS].translate(_LETTERS)
