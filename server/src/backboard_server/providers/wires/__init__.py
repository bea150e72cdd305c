"""The wires: one for each protocol that providers speak, and the registry that names them.

A wire does no I/O: it turns a prompt into a request and the bytes of an answer into deltas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from backboard_server.domain.prompts import Delta, Prompt
from backboard_server.providers.table import Dialect, WireName

from .openai_chat import OpenAIChat


class AnswerReader(Protocol):
    """Reads one streamed answer; every method raises Failure for what is not the protocol."""

    @property
    def has_ended(self) -> bool:
        """Whether the answer has its end mark; only counts may follow."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to come."""
        ...

    def take(self, payload: bytes) -> Sequence[Delta]:
        """Return what one event adds to the answer."""
        ...

    def finish(self) -> Sequence[Delta]:
        """Return the last deltas; raises Failure (truncated) where the end mark is missing."""
        ...


class Wire(Protocol):
    """One protocol."""

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers of a call; `key` may be empty."""
        ...

    def request(self, prompt: Prompt, dialect: Dialect, *, streamed: bool) -> tuple[str, bytes]:
        """Return the path below the base URL, and the body."""
        ...

    def reader(self) -> AnswerReader:
        """Return a reader for one streamed answer."""
        ...

    def read_whole(self, body: bytes) -> Iterable[Delta]:
        """Return the deltas of a plain answer, Finish last; raises Failure."""
        ...


WIRES: Mapping[WireName, Wire] = {"openai_chat": OpenAIChat()}
