"""Names and ids of other vendors in the letters that Anthropic takes: the same one throughout a request.

The vendor's patterns are `^[a-zA-Z0-9_-]{1,128}$` for a tool and `^[a-zA-Z0-9_-]+$` for a call. Ids of calls
must be unique in a request; models of other vendors use theirs again.
"""

from __future__ import annotations

import re

NAME_CHARACTERS_MAX = 128
ID_CHARACTERS_MAX = 64

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


class Names:
    """The names of one request: each keeps its own, or gets one that no other has."""

    def __init__(self) -> None:
        self._by_name: dict[str, str] = {}
        self._unique = _Unique(NAME_CHARACTERS_MAX, "tool")

    def of(self, name: str) -> str:
        """Return the name under which a tool goes out."""
        if name not in self._by_name:
            self._by_name[name] = self._unique.of(name)
        return self._by_name[name]


class CallIds:
    """The ids of one request; each call gets one that no call before it had."""

    def __init__(self) -> None:
        self._unique = _Unique(ID_CHARACTERS_MAX, "call")

    def next(self, call_id: str) -> str:
        """Return the id under which a further call goes out."""
        return self._unique.of(call_id)


class _Unique:
    def __init__(self, characters_max: int, fallback: str) -> None:
        self._characters_max = characters_max
        self._fallback = fallback
        self._taken: set[str] = set()

    def of(self, text: str) -> str:
        plain = (_FOREIGN.sub("_", text) or self._fallback)[: self._characters_max]
        unique, number = plain, 1
        while unique in self._taken:
            number += 1
            suffix = f"_{number}"
            unique = plain[: self._characters_max - len(suffix)] + suffix
        self._taken.add(unique)
        return unique
