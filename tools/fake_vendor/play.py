"""From an answer to the steps of a connection: the healthy way, and the ways in which it breaks half-way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from .bends import bent
from .breaks import break_of
from .refusals import refusal_of
from .render import Asked, Json, chunks, completion, delta_chunk, error
from .script import Answer, Fault
from .steps import DONE, LAST_PIECE, Cut, Hang, Pause, Step, Steps, event, piece, stream_head, whole

_SLOW_CLOSE_SECONDS = 0.3
_STOPPED = error("The model stopped working.", "server_error", 502)


def steps_of(answer: Answer, asked: Asked, credential: str = "") -> Steps:
    """Yield what the connection does; `credential` is the request's Authorization header."""
    if answer.first_byte_delay_seconds:
        yield Pause(answer.first_byte_delay_seconds)
    if refusal := refusal_of(answer.fault, credential):
        yield refusal
    elif broken := break_of(answer.fault):
        yield from broken(asked)
    elif asked.stream:
        yield from _streamed(bent(answer), asked)
    else:
        yield from _plain(bent(answer), asked)


def _plain(answer: Answer, asked: Asked) -> Steps:
    body = completion(answer, asked)
    match answer.fault:
        case Fault.ERROR_MID_STREAM:
            body |= _STOPPED
        case Fault.EMPTY_CHOICES:
            body["choices"] = []
        case Fault.NULL_CONTENT:
            body["choices"][0]["message"]["content"] = None
        case Fault.USAGE_MISSING:
            del body["usage"]
        case _:
            pass
    return _carried(answer.fault, msgspec.json.encode(body))


def _carried(fault: Fault | None, body: bytes) -> Steps:
    response = whole(200, body)
    match fault:
        case Fault.HANG_BETWEEN_CHUNKS:
            yield from (response[:-20], Hang())
        case Fault.TRUNCATED | Fault.TRUNCATED_MID_JSON:
            yield whole(200, body[:-20])
        case Fault.TRUNCATED_CLOSE | Fault.TRUNCATED_MID_UTF8:
            yield from (response[:-20], Cut())
        case Fault.TRUNCATED_RESET:
            yield from (response[:-20], Cut("reset"))
        case Fault.WRONG_CONTENT_TYPE:
            yield whole(200, body, content_type="text/plain")
        case Fault.SLOW_CLOSE:
            yield from (whole(200, body, "Connection: close"), Pause(_SLOW_CLOSE_SECONDS), Cut())
        case _:
            yield response


def _streamed(answer: Answer, asked: Asked) -> Steps:
    events = _bent_events(answer.fault, chunks(answer, asked), asked)
    yield stream_head("text/plain" if answer.fault is Fault.WRONG_CONTENT_TYPE else "text/event-stream")
    cut = _CUTS.get(answer.fault)
    sent = events[: len(events) // 2] if cut else events
    yield from _paced(map(event, sent), answer)
    yield from cut(events[len(sent)]) if cut else _ENDINGS.get(answer.fault, (DONE, LAST_PIECE))


def _bent_events(fault: Fault | None, events: list[Json], asked: Asked) -> list[Json]:
    middle = len(events) // 2
    match fault:
        case Fault.EMPTY_CHOICES:
            return [chunk | {"choices": []} for chunk in events]
        case Fault.NULL_CONTENT:
            nothing = delta_chunk(asked, {"content": None})
            return [nothing if _delta(chunk).get("content") else chunk for chunk in events]
        case Fault.DUPLICATED_CHUNK:
            return [*events[:middle], events[middle], *events[middle:]]
        case Fault.TWO_FINALS:
            final = delta_chunk(asked, {}, "length")
            return [*events, delta_chunk(asked, {"content": "after the end"}), final]
        case Fault.ERROR_MID_STREAM:
            return [*events[:middle], delta_chunk(asked, {"content": ""}, "error") | _STOPPED]
        case Fault.USAGE_MISSING:
            return [chunk for chunk in events if "usage" not in chunk]
        case Fault.OUT_OF_ORDER_INDEX:
            return _calls_reversed(events)
        case _:
            return events


def _calls_reversed(events: list[Json]) -> list[Json]:
    """Move the pieces of the last tool call before those of the first."""
    calls = [chunk for chunk in events if "tool_calls" in _delta(chunk)]
    first = events.index(calls[0])
    calls.sort(key=lambda chunk: -_delta(chunk)["tool_calls"][0]["index"])
    return [*events[:first], *calls, *events[first + len(calls) :]]


def _delta(chunk: Json) -> Json:
    return chunk["choices"][0]["delta"] if chunk["choices"] else {}


def _paced(pieces: Iterator[bytes], answer: Answer) -> Steps:
    for content in pieces:
        if answer.chunk_delay_seconds:
            yield Pause(answer.chunk_delay_seconds)
        if answer.fault is Fault.COMMENTS:
            yield piece(b": OPENROUTER PROCESSING\n\n")
        yield content


def _mid_utf8(_: Json) -> tuple[Step, ...]:
    return (piece('data: {"choices":[{"delta":{"content":"é'.encode()[:-1]), Cut())


def _mid_json(chunk: Json) -> tuple[Step, ...]:
    return (piece(b"data: " + msgspec.json.encode(chunk)[:-9]), Cut())


_CUTS: dict[Fault | None, Callable[[Json], tuple[Step, ...]]] = {
    Fault.HANG_BETWEEN_CHUNKS: lambda _: (Hang(),),
    Fault.TRUNCATED: lambda _: (LAST_PIECE,),
    Fault.TRUNCATED_CLOSE: lambda _: (Cut(),),
    Fault.TRUNCATED_RESET: lambda _: (Cut("reset"),),
    Fault.TRUNCATED_MID_UTF8: _mid_utf8,
    Fault.TRUNCATED_MID_JSON: _mid_json,
}

_ENDINGS: dict[Fault | None, tuple[Step, ...]] = {
    Fault.NO_DONE: (LAST_PIECE,),
    Fault.NEVER_CLOSES: (DONE, Hang()),
    Fault.SILENT_AFTER_FINAL: (Hang(),),
    Fault.SLOW_CLOSE: (DONE, Pause(_SLOW_CLOSE_SECONDS), LAST_PIECE),
}
