"""The parts of Converse's answers that we read, typed; everything else is skipped by the decoder."""

from __future__ import annotations

from typing import Any

import msgspec

from backboard_server.domain.prompts import Usage
from backboard_server.providers._counts import credible
from backboard_server.providers._failures import Failure
from backboard_server.providers._refusals import kind_of, text_of
from backboard_server.providers._surrogates import decode_or_mend


class CalledTool(msgspec.Struct, gc=False, rename="camel"):
    """A tool call: its beginning has `name`, a piece of it `input` as text, a whole one as an object.

    `type` is set where the vendor runs the tool itself.
    """

    tool_use_id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"null")
    type: str | None = None


class ReasoningText(msgspec.Struct, gc=False):
    """Reasoning of a plain answer, with the seal without which it is not taken back."""

    text: str = ""
    signature: str | None = None


class Reasoning(msgspec.Struct, gc=False, rename="camel"):
    """Reasoning: `reasoning_text` in a plain answer, `text` and `signature` in pieces of a streamed one.

    `redacted_content` is encrypted, and in base64.
    """

    reasoning_text: ReasoningText | None = None
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class Content(msgspec.Struct, gc=False, rename="camel"):
    """A block of a plain answer, or a piece of one; the fields that are set say of which kind it is."""

    text: str | None = None
    reasoning_content: Reasoning | None = None
    tool_use: CalledTool | None = None


class BlockEvent(msgspec.Struct, gc=False, rename="camel"):
    """A block begins, or goes on."""

    content_block_index: int = 0
    start: Content | None = None
    delta: Content | None = None


class Stop(msgspec.Struct, gc=False, rename="camel"):
    """The answer has ended, and why."""

    stop_reason: str


class Metadata(msgspec.Struct, gc=False):
    """The counts, which come last."""

    usage: Any = None


class Problem(msgspec.Struct, gc=False):
    """An exception, as the frames hand it on: its name, and its own payload as text."""

    type: str
    body: str


class Event(msgspec.Struct, gc=False, rename="camel"):
    """One message of the stream, under the type of its event."""

    content_block_delta: BlockEvent | None = None
    content_block_start: BlockEvent | None = None
    message_stop: Stop | None = None
    metadata: Metadata | None = None
    exception: Problem | None = None


class Message(msgspec.Struct, gc=False):
    """What the model says in a plain answer."""

    content: list[Content]


class Output(msgspec.Struct, gc=False):
    """The message in its envelope."""

    message: Message


class Answer(msgspec.Struct, gc=False, rename="camel"):
    """A plain answer."""

    output: Output
    stop_reason: str
    usage: Any = None


class _Envelope(msgspec.Struct, gc=False):
    """A plain answer, or an error where a gateway made a success of it."""

    message: str | None = None
    type: str | None = msgspec.field(default=None, name="__type")


class _Counts(msgspec.Struct, gc=False, rename="camel"):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


_event_decoder = msgspec.json.Decoder(Event)
_envelope_decoder = msgspec.json.Decoder(_Envelope)
_answer_decoder = msgspec.json.Decoder(Answer)


def decode_event(payload: bytes) -> Event:
    """Return a message; raises Failure for what is none, and for an exception."""
    event = decode_or_mend(_event_decoder, payload)
    if event.exception is not None:
        raise _failure_of(event.exception)
    return event


def decode_answer(body: bytes) -> Answer:
    """Return a plain answer; raises Failure for what is none, and for an error."""
    envelope = decode_or_mend(_envelope_decoder, body)
    if envelope.message or envelope.type:
        raise _failure(envelope.type or "", envelope.message or "")
    return decode_or_mend(_answer_decoder, body)


def arguments_of(whole: msgspec.Raw) -> str:
    """Return the arguments of a whole call as JSON text: as the vendor wrote it."""
    text = bytes(whole).decode("utf-8", "replace")
    return "{}" if text == "null" else text


def piece_of(text: msgspec.Raw) -> str:
    """Return a piece of the arguments of a streamed call; raises Failure for what is no text."""
    try:
        return msgspec.json.decode(text, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Failure("malformed", "a piece of a tool call that is no text") from error


def usage_of(reported: object) -> Usage | None:
    """Return the usage that is reported, or None where there is none or nonsense.

    The vendor counts what was read from a cache or written to one apart from `inputTokens`
    (docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html); of reasoning it has no count.
    """
    if reported is None:
        return None
    try:
        counts = msgspec.convert(reported, _Counts)
    except msgspec.ValidationError:
        return None
    read, written = counts.cache_read_input_tokens or 0, counts.cache_write_input_tokens or 0
    usage = Usage(
        input_tokens=counts.input_tokens + read + written,
        output_tokens=counts.output_tokens,
        cached_input_tokens=read,
        cache_write_input_tokens=written,
    )
    return credible(usage, counts.input_tokens)


def _failure_of(problem: Problem) -> Failure:
    """Return the failure of an exception that came within a stream."""
    try:
        body: object = msgspec.json.decode(problem.body)
    except (msgspec.MsgspecError, RecursionError):
        body = None
    return _failure(problem.type, text_of(body, problem.body.encode("utf-8", "replace")))


def _failure(name: str, said: str) -> Failure:
    said = said or name or "an error without a text"
    return Failure(kind_of({name.rpartition("#")[2].partition(":")[0].lower()}, said), said)
