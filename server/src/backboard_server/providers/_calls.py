"""Tool calls: those of an answer, each with a number and an id, and a history's as a vendor takes them.

Anthropic's patterns are `^[a-zA-Z0-9_-]{1,128}$` for a tool and `^[a-zA-Z0-9_-]+$` for a call; Bedrock has 64
characters for either. Ids of calls must be unique in a request; models of other vendors use theirs again.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import ToolCallDelta

from ._failures import Failure

CALLS_MAX = 512
ID_CHARACTERS_MAX = 64

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


class OpenedCalls:
    """The tool calls of one answer, numbered from zero in the order in which they begin."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def open(self, vendor_id: str | None, name: str | None, arguments: str = "") -> ToolCallDelta:
        """Return the beginning of a further call, under an id of ours where the vendor's is none or taken.

        Raises Failure (malformed) for a call without a name, and for one too many.
        """
        if not name:
            raise Failure("malformed", "a tool call without a name")
        index = len(self._ids)
        if index >= CALLS_MAX:
            raise Failure("malformed", f"more than {CALLS_MAX} tool calls in one answer")
        unique = vendor_id if vendor_id and vendor_id not in self._ids else f"call_{new_id().hex}"
        self._ids.add(unique)
        return ToolCallDelta(index, arguments, unique, name)


class Names:
    """The names of one request: each keeps its own, or gets one that no other has."""

    def __init__(self, characters_max: int) -> None:
        self._by_name: dict[str, str] = {}
        self._unique = _Unique(characters_max, "tool")

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


def object_of(arguments: str) -> msgspec.Raw | dict[str, Any]:
    """Return arguments as they were written if they are an object of JSON; what is none is shown inside one.

    The form is Anthropic's own for such arguments ("Fine-grained tool streaming").
    """
    if not arguments.strip():
        return {}
    try:
        encoded = arguments.encode()
        _ = msgspec.json.decode(encoded, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {"INVALID_JSON": arguments.encode("utf-8", "replace").decode()}
    return msgspec.Raw(encoded)


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
