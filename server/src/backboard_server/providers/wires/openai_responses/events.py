"""The parts of responses and of their events that we read, typed; everything else is skipped by the decoder.

Items are kept as bytes until somebody asks for them: the last events repeat the whole answer.
"""

from __future__ import annotations

import msgspec

from backboard_server.domain.prompts import Usage
from backboard_server.providers._counts import credible
from backboard_server.providers._failures import Failure
from backboard_server.providers._refusals import kind_of, malformed
from backboard_server.providers._surrogates import UNREADABLE, decode_mended, decode_or_mend

_ITEMS_READ = frozenset({"message", "reasoning", "function_call"})


class Part(msgspec.Struct, gc=False):
    """A piece of a message, of a summary or of reasoning."""

    text: str | None = None
    refusal: str | None = None


class Item(msgspec.Struct, gc=False):
    """An item of the output: a message, reasoning or a function call; others are not read."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    summary: list[Part] | None = None
    content: list[Part] | None = None
    encrypted_content: str | None = None
    phase: str | None = None


class Problem(msgspec.Struct, gc=False):
    """An error inside a response whose status was 200."""

    message: str | None = None
    type: str | None = None
    code: int | str | None = None


class Incomplete(msgspec.Struct, gc=False):
    """Why a response is not complete."""

    reason: str | None = None


class Response(msgspec.Struct, gc=False):
    """A response; `output` and `usage` as they came. One with `choices` is a chat completion."""

    status: str | None = None
    model: str | None = None
    error: Problem | str | None = None
    incomplete_details: Incomplete | None = None
    output: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = msgspec.Raw()
    choices: msgspec.Raw = msgspec.Raw()


class Event(msgspec.Struct, gc=False):
    """An event of a stream; its type tells which fields it has. One with `choices` is a chunk of chat."""

    type: str = ""
    delta: str | None = None
    output_index: int = 0
    summary_index: int | None = None
    content_index: int | None = None
    item: msgspec.Raw = msgspec.Raw()
    response: Response | None = None
    error: Problem | str | None = None
    message: str | None = None
    code: int | str | None = None
    choices: msgspec.Raw = msgspec.Raw()


class _Kind(msgspec.Struct, gc=False):
    type: str = ""


class _Input(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Output(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _Counts(msgspec.Struct, gc=False):
    input_tokens: int
    output_tokens: int
    input_tokens_details: _Input | None = None
    output_tokens_details: _Output | None = None


_event = msgspec.json.Decoder(Event)
_response = msgspec.json.Decoder(Response)
_item = msgspec.json.Decoder(Item)
_kind = msgspec.json.Decoder(_Kind)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_counts = msgspec.json.Decoder(_Counts)


def decode_event(payload: bytes, read: frozenset[str]) -> Event:
    """Return an event, an empty one for a type that is not `read`; raises Failure for what is no event."""
    try:
        return _event.decode(payload)
    except msgspec.ValidationError as error:
        if _kind_of(payload) in read:
            raise malformed(error, payload) from error
        return Event()
    except UNREADABLE:
        return decode_mended(_event, payload)


def decode_response(body: bytes) -> Response:
    """Return a response; raises Failure for what is none."""
    return decode_or_mend(_response, body)


def decode_item(raw: msgspec.Raw) -> Item | None:
    """Return an item that we read, or None for one of another type; raises Failure for a broken one."""
    payload = bytes(raw)
    try:
        item = _item.decode(payload or b"null")
    except UNREADABLE:
        if payload and _kind_of(payload) not in _ITEMS_READ:
            return None
        item = decode_mended(_item, payload)
    return item if item.type in _ITEMS_READ else None


def decode_output(raw: msgspec.Raw) -> list[Item | None]:
    """Return the items of a response, with None for each that we do not read."""
    if bytes(raw) in (b"", b"null"):
        return []
    try:
        raws = _raws.decode(raw)
    except UNREADABLE as error:
        raise malformed(error, bytes(raw)) from error
    return [decode_item(each) for each in raws]


def usage_of(raw: msgspec.Raw) -> Usage | None:
    """Return the usage that a host reports, or None where it reports none or nonsense."""
    try:
        counts = _counts.decode(raw)
    except UNREADABLE:
        return None
    taken = counts.input_tokens_details or _Input()
    given = counts.output_tokens_details or _Output()
    usage = Usage(
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        cached_input_tokens=taken.cached_tokens or 0,
        cache_write_input_tokens=taken.cache_write_tokens or 0,
        reasoning_tokens=given.reasoning_tokens or 0,
    )
    return credible(usage)


def failure_of(problem: Problem | str | None) -> Failure:
    """Return the failure of an error that came with status 200; its code may be a status of its own."""
    if problem is None or isinstance(problem, str):
        return Failure("failed", problem or "an error without a text")
    code = problem.code
    status = code if isinstance(code, int) and 400 <= code < 600 else None
    words = {str(word).lower() for word in (code, problem.type) if word}
    if any("image" in word for word in words):  # a dozen codes, each of a file that the model cannot see
        words.add("invalid_request_error")
    said = problem.message or str(code or problem.type or "an error without a text")
    return Failure(kind_of(words, said, status), said)


def _kind_of(payload: bytes) -> str:
    try:
        return _kind.decode(payload).type
    except UNREADABLE:
        return ""
