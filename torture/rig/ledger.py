"""The acknowledgement log: what was sent, before it is sent, and what the server said of it, on disk.

A line of JSON each. What the server has is held against it at the end, and nothing else is believed.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct


class Sent(Struct, frozen=True, tag="sent", kw_only=True):
    """A message that may be stored from now on; without a thread it begins one. A note is not answered."""

    tenant: str
    content: str
    thread_id: str | None = None
    is_note: bool = False


class Stored(Struct, frozen=True, tag="stored", kw_only=True):
    """A message of ours that the server said it has."""

    tenant: str
    thread_id: str
    message_id: str
    content: str


class Answered(Struct, frozen=True, tag="answered", kw_only=True):
    """An answer that the server said it has, or the run that it said waits for tools."""

    tenant: str
    thread_id: str
    run_id: str
    message_id: str
    status: str
    digest: str


class HandedIn(Struct, frozen=True, tag="handed_in", kw_only=True):
    """Outputs of tools that the server said it has: the ids of their calls."""

    tenant: str
    thread_id: str
    call_ids: list[str]


class Naming(Struct, frozen=True, tag="naming", kw_only=True):
    """An assistant that may be made from now on."""

    tenant: str
    name: str


class Made(Struct, frozen=True, tag="made", kw_only=True):
    """An assistant that the server said it made."""

    tenant: str
    name: str
    assistant_id: str


class Opened(Struct, frozen=True, tag="opened", kw_only=True):
    """An empty thread that the server said it made."""

    tenant: str
    thread_id: str


class Deleting(Struct, frozen=True, tag="deleting", kw_only=True):
    """A thread that may be gone from now on."""

    tenant: str
    thread_id: str


class Deleted(Struct, frozen=True, tag="deleted", kw_only=True):
    """A thread that the server said is gone."""

    tenant: str
    thread_id: str


Line = Sent | Stored | Answered | HandedIn | Naming | Made | Opened | Deleting | Deleted
Acknowledged = Stored | Answered | HandedIn | Made | Opened | Deleted

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


class Ledger:
    """The log, written inside `with`; `acknowledged` counts the lines that the server answers for."""

    def __init__(self, path: Path) -> None:
        """`path` is made anew."""
        self.path = path
        self.acknowledged = 0
        self._file = path.open("wb", buffering=0)

    def __enter__(self) -> Self:
        """Begin to write."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write no more."""
        self._file.close()

    def write(self, line: Line) -> None:
        """Write a line; once this returns it is in the file."""
        self.acknowledged += isinstance(line, Acknowledged)
        self._file.write(_encoder.encode(line) + b"\n")


def read(path: Path) -> list[Line]:
    """Return the lines of a log."""
    return [_decoder.decode(line) for line in path.read_bytes().splitlines()]
