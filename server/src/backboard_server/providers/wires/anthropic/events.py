"""The parts of Anthropic's messages and events that we read, typed; the decoder skips everything else.

Reference: platform.claude.com/docs, "Messages" and "Streaming messages".
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from backboard_server.domain.prompts import Usage
from backboard_server.providers._counts import credible
from backboard_server.providers._failures import Failure
from backboard_server.providers._refusals import kind_of
from backboard_server.providers._surrogates import UNREADABLE, decode_mended, decode_or_mend

NOTHING = msgspec.Raw()


class Block(msgspec.Struct, gc=False):
    """A block of content: whole in a plain answer, as it begins in a stream."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = NOTHING


class Piece(msgspec.Struct, gc=False):
    """What an event adds to its block, or to the message as a whole."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_details: msgspec.Raw = NOTHING


class Problem(msgspec.Struct, gc=False):
    """An error inside a response whose status was 200."""

    type: str | None = None
    message: str | None = None


class Message(msgspec.Struct, gc=False):
    """An answer: whole where it is plain, without content where a stream begins."""

    type: str = ""
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_details: msgspec.Raw = NOTHING
    usage: msgspec.Raw = NOTHING
    error: Problem | None = None


class Event(msgspec.Struct, gc=False):
    """One event of a stream."""

    type: str = ""
    index: int = 0
    delta: Piece | None = None
    content_block: Block | None = None
    message: Message | None = None
    usage: msgspec.Raw = NOTHING
    error: Problem | None = None


class _Kind(msgspec.Struct, gc=False):
    type: str = ""


class _Thoughts(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class _Refused(msgspec.Struct, gc=False):
    explanation: str | None = None


class Counts(msgspec.Struct, gc=False):
    """Tokens as Anthropic counts them: `input_tokens` were neither read from the cache nor written to it."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: _Thoughts | None = None


_event_decoder = msgspec.json.Decoder(Event)
_message_decoder = msgspec.json.Decoder(Message)
_kind_decoder = msgspec.json.Decoder(_Kind)
_counts_decoder = msgspec.json.Decoder(Counts)
_refused_decoder = msgspec.json.Decoder(_Refused)

_KINDS = frozenset({
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
})  # fmt: skip

T = TypeVar("T")


def decode_event(payload: bytes) -> Event:
    """Return an event, an empty one for a kind that is not known here; raises Failure for what is none."""
    try:
        return _event_decoder.decode(payload)
    except UNREADABLE:
        if _is_of_unknown_kind(payload):
            return Event()
        return decode_mended(_event_decoder, payload)


def decode_message(body: bytes) -> Message:
    """Return a plain answer; raises Failure for what is none, and for an error in its place."""
    message = decode_or_mend(_message_decoder, body)
    if message.type == "error" or message.error is not None:
        raise failure_of(message.error)
    return message


def failure_of(problem: Problem | None) -> Failure:
    """Return the failure of an error that came with status 200."""
    problem = problem or Problem()
    words = {problem.type.lower()} if problem.type else set[str]()
    said = problem.message or problem.type or "an error without a text"
    return Failure(kind_of(words, said), said)


def counts_of(reported: msgspec.Raw) -> Counts | None:
    """Return the counts of one event, or None where it has none or nonsense."""
    return _lenient(reported, _counts_decoder)


def explanation_of(details: msgspec.Raw) -> str | None:
    """Return the sentence of a refusal, if there is one."""
    refused = _lenient(details, _refused_decoder)
    return refused.explanation if refused else None


def merged(earlier: Counts | None, later: Counts | None) -> Counts | None:
    """Return the counts of a stream so far: they only grow, and what an event leaves out has not changed."""
    if earlier is None or later is None:
        return later or earlier
    fields = {name: getattr(later, name) or getattr(earlier, name) for name in Counts.__struct_fields__}
    return Counts(**fields)


def usage_of(counts: Counts | None) -> Usage | None:
    """Return the usage in our terms, or None where it was not told or cannot be true."""
    if counts is None or counts.output_tokens is None:
        return None
    read = counts.cache_read_input_tokens or 0
    written = counts.cache_creation_input_tokens or 0
    usage = Usage(
        input_tokens=(counts.input_tokens or 0) + read + written,
        output_tokens=counts.output_tokens,
        cached_input_tokens=read,
        cache_write_input_tokens=written,
        reasoning_tokens=(counts.output_tokens_details or _Thoughts()).thinking_tokens or 0,
    )
    return credible(usage, counts.input_tokens or 0)


def _is_of_unknown_kind(payload: bytes) -> bool:
    try:
        return _kind_decoder.decode(payload).type not in _KINDS
    except UNREADABLE:
        return False


def _lenient(raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T | None:
    if bytes(raw) in {b"", b"null"}:
        return None
    try:
        return decoder.decode(raw)
    except UNREADABLE:
        return None
