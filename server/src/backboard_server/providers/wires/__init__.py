"""The wires: one for each protocol that providers speak, and the registry that names them.

A wire does no I/O: it turns a prompt into a request and the bytes of an answer into deltas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Delta, MediaKind, Prompt
from backboard_server.providers._hosts import Host
from backboard_server.providers._http import Call
from backboard_server.providers.table import WireName

from .anthropic import Anthropic
from .bedrock import Bedrock
from .gemini import Gemini
from .openai_chat import OpenAIChat
from .openai_responses import OpenAIResponses


class Frames(Protocol):
    """Cuts the bytes of a stream into the payloads of its events."""

    def feed(self, block: bytes) -> list[bytes]:
        """Return the payloads that are complete with this block; raises Failure (malformed)."""
        ...


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
    """One protocol.

    The prompts that it is given are fitted to it (`providers/_fitting.py`): media are of kinds that the model
    and the wire take, every tool call has its outputs right behind it, sidecars come from the same provider.
    """

    @property
    def media_kinds(self) -> frozenset[MediaKind]:
        """What the wire can carry beside text."""
        ...

    def call(self, prompt: Prompt, host: Host, facts: Facts, *, streamed: bool) -> Call:
        """Return the request, whole: address, headers with the key, body."""
        ...

    def frames(self) -> Frames:
        """Return what cuts one stream into payloads."""
        ...

    def reader(self) -> AnswerReader:
        """Return a reader for one streamed answer."""
        ...

    def read_whole(self, body: bytes) -> Iterable[Delta]:
        """Return the deltas of a plain answer, Finish last; raises Failure."""
        ...


WIRES: Mapping[WireName, Wire] = {
    "anthropic": Anthropic(),
    "bedrock": Bedrock(),
    "gemini": Gemini(),
    "openai_chat": OpenAIChat(),
    "openai_responses": OpenAIResponses(),
}
