"""Text from outside that a model is to read: it may be hostile, so it is cut, and holds what can be seen."""

from __future__ import annotations

import re

# Control characters but tab and newline, halves of surrogate pairs, marks that turn the direction of writing,
# and the invisible twins of ASCII (U+E0000 and on): nothing that a reader of the log would not see as well.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    """Return a text without what cannot be seen."""
    return _UNSEEN.sub("", text)


def shortened(text: str, characters_max: int) -> str:
    """Return a text, cut where it is longer than allowed, and saying so."""
    if len(text) <= characters_max:
        return text
    note = f"\n[cut here, {len(text):,} characters in all]"
    return text[: characters_max - len(note)] + note


def one_line(text: str, characters_max: int) -> str:
    """Return a text as a line of a sentence: for messages that quote what somebody else said."""
    line = " ".join(plain(text).split())
    return line if len(line) <= characters_max else line[: characters_max - 1] + "…"
