"""From an answer to the steps of a connection: the healthy way, and the ways in which it breaks half-way."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

import msgspec
from msgspec.structs import replace

from .bends import bent
from .breaks import break_of
from .changes import can_change, changed_body, changed_frames, encoded
from .deliveries import delivered
from .dialects import ODDITIES, Dialect
from .refusals import refusal_of
from .script import Answer, AnyFault, ErrorEvent, Fault
from .steps import LAST_PIECE, Cut, Hang, Pause, Steps, piece, stream_head, whole
from .stops import body_stop_of, can_stop, end_of_stream, kept, shortened_body, shortened_stream, stop_of
from .terms import Asked, Frame

_SLOW_CLOSE_SECONDS = 0.3
_STOPPED = ErrorEvent(kind="server", status=502, message="The model stopped working.")


def steps_of(answer: Answer, asked: Asked, dialect: Dialect, credential: str = "") -> Steps:
    """Yield what the connection does; `credential` is what the request proved itself with.

    The fault must exist in the dialect: see `exists`.
    """
    if answer.first_byte_delay_seconds:
        yield Pause(answer.first_byte_delay_seconds)
    if refusal := refusal_of(answer.fault, dialect, credential):
        yield refusal
    elif broken := break_of(answer.fault):
        yield from broken(dialect, asked)
    else:
        play = _streamed if asked.stream else _plain
        yield from delivered(answer.fault, play(bent(answer), asked, dialect))


def exists(answer: Answer, asked: Asked, dialect: Dialect) -> bool:
    """Whether the fault of an answer can be told in a dialect."""
    fault = answer.fault
    if fault is None or refusal_of(fault, dialect, "") or break_of(fault):
        return True
    try:
        frames = dialect.frames(bent(answer), asked) if asked.stream else None
        body = None if asked.stream else dialect.body(bent(answer), asked)
    except msgspec.DecodeError:  # arguments that are no JSON, where they are an object in another
        return False
    if isinstance(fault, Fault) and fault in ODDITIES:
        odd = (
            dialect.odd_body(fault, body or {})
            if frames is None
            else dialect.odd_frames(fault, frames, asked)
        )
        return odd is not None
    if fault is Fault.COMMENTS:
        return dialect.idle is not None
    if fault is Fault.NO_DONE:
        return dialect.frames(bent(answer), replace(asked, stream=True))[-1].kind == "mark"
    stop = stop_of(fault)
    return can_change(fault, frames, dialect) and (stop is None or can_stop(stop, frames))


def _plain(answer: Answer, asked: Asked, dialect: Dialect) -> Steps:
    fault = _STOPPED if answer.fault is Fault.ERROR_MID_STREAM else answer.fault
    body = dialect.body(answer, asked)
    if isinstance(fault, ErrorEvent):
        body |= dialect.error_body(fault.problem)
    elif isinstance(fault, Fault) and fault in ODDITIES:
        body = dialect.odd_body(fault, body) or {}
    content = msgspec.json.encode(changed_body(fault, body))
    if stop := body_stop_of(fault):
        yield from shortened_body(stop, content)
    elif fault is Fault.WRONG_CONTENT_TYPE:
        yield whole(200, content, content_type="text/plain")
    elif fault is Fault.SLOW_CLOSE:
        yield from (whole(200, content, "Connection: close"), Pause(_SLOW_CLOSE_SECONDS), Cut())
    else:
        yield whole(200, content)


def _streamed(answer: Answer, asked: Asked, dialect: Dialect) -> Steps:
    fault = _STOPPED if answer.fault is Fault.ERROR_MID_STREAM else answer.fault
    frames = _bent_frames(fault, dialect.frames(answer, asked), asked, dialect)
    yield stream_head("text/plain" if fault is Fault.WRONG_CONTENT_TYPE else dialect.stream_content_type)
    stop = stop_of(fault)
    if stop is None:
        pieces = encoded(fault, frames, dialect)
        marks = len(pieces) - sum(1 for _ in takewhile(lambda frame: frame.kind == "mark", reversed(frames)))
        yield from _paced(pieces[:marks], answer, dialect)
        yield from _ended(fault, [piece(content) for content in pieces[marks:]])
    elif stop.share is not None:
        yield from shortened_stream(stop, b"".join(encoded(fault, frames, dialect)))
    else:
        said, following = kept(stop, frames)
        yield from _paced(encoded(fault, said, dialect), answer, dialect)
        yield from end_of_stream(stop, following, asked, dialect)


def _bent_frames(fault: AnyFault | None, frames: list[Frame], asked: Asked, dialect: Dialect) -> list[Frame]:
    if isinstance(fault, Fault) and fault in ODDITIES:
        return dialect.odd_frames(fault, frames, asked) or []
    if isinstance(fault, ErrorEvent):
        speech = sum(frame.kind != "mark" for frame in frames)
        return [*frames[: speech // 2], *dialect.error_frames(fault.problem, asked, is_first=False)]
    return changed_frames(fault, frames, asked, dialect)


def _paced(pieces: Iterable[bytes], answer: Answer, dialect: Dialect) -> Steps:
    for content in pieces:
        if answer.chunk_delay_seconds:
            yield Pause(answer.chunk_delay_seconds)
        if answer.fault is Fault.COMMENTS and dialect.idle:
            yield piece(dialect.idle)
        yield piece(content)


def _ended(fault: AnyFault | None, marks: list[bytes]) -> Steps:
    match fault:
        case Fault.NO_DONE:
            yield LAST_PIECE
        case Fault.NEVER_CLOSES:
            yield from (*marks, Hang())
        case Fault.SILENT_AFTER_FINAL:
            yield Hang()
        case Fault.SLOW_CLOSE:
            yield from (*marks, Pause(_SLOW_CLOSE_SECONDS), LAST_PIECE)
        case _:
            yield from (*marks, LAST_PIECE)
