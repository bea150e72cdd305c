"""Phases of a message: which one a kill has hit, told from what its client saw and how far the vendor was."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from .sayings import Question
from .vendor import Vendor

Phase = Literal[
    "before the model",
    "queued",
    "before the first token",
    "mid-answer",
    "tools",
    "finishing",
    "other requests",
]


class Tally:
    """What happened under torture: phases that were hit, what must not be, and whatever else is counted."""

    def __init__(self, vendor: Vendor) -> None:
        """Begin with nothing."""
        self.phases: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.flaws: list[str] = []
        self._vendor = vendor

    def hit(self, question: Question | None, *, is_second: bool = False) -> None:
        """Count the phase of a message whose connection has just broken."""
        self.phases[self._phase(question, is_second)] += 1

    def _phase(self, question: Question | None, is_second: bool) -> Phase:
        if question is None:
            return "other requests"
        speech = self._vendor.speeches.get(question.nonce)
        if speech is None:
            return "queued" if is_second else "before the model"
        if speech.state == "said":
            return "tools" if question.calls and self._vendor.asked[question.nonce] == 1 else "finishing"
        return "before the first token" if speech.state == "asked" else "mid-answer"
