"""From an answer to the steps of a connection: the healthy way, and the ways in which it breaks half-way."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from .bends import bent
from .breaks import break_of
from .dialects import ODDITIES, Dialect
from .refusals import refusal_of
from .script import Answer, Fault
from .steps import LAST_PIECE, Cut, Hang, Pause, Step, Steps, json_response, piece, stream_head, whole
from .terms import Asked, Frame, Problem

_SLOW_CLOSE_SECONDS = 0.3
_UNREADABLE_ARGUMENTS = (Fault.INVALID_ARGUMENTS, Fault.TRUNCATED_ARGUMENTS)
_STOPPED = Problem(502, "server", "The model stopped working.")


def steps_of(answer: Answer, asked: Asked, dialect: Dialect, credential: str = "") -> Steps:
    """Yield what the connection does; `credential` is what the request proved itself with."""
    if answer.first_byte_delay_seconds:
        yield Pause(answer.first_byte_delay_seconds)
    if refusal := refusal_of(answer.fault, dialect, credential):
        yield refusal
    elif broken := break_of(answer.fault):
        yield from broken(dialect, asked)
    elif not exists(answer.fault, dialect, stream=asked.stream):
        yield json_response(501, {"message": f"{dialect.name} cannot fail with {answer.fault}."})
    elif asked.stream:
        yield from _streamed(bent(answer), asked, dialect)
    else:
        yield from _plain(bent(answer), asked, dialect)


def exists(fault: Fault | None, dialect: Dialect, *, stream: bool) -> bool:
    """Whether a fault can be told in a dialect; the vendor answers 501 to a script with another."""
    asked = Asked("any", stream=stream)
    if fault is not None and fault in ODDITIES:
        if stream:
            return dialect.odd_frames(fault, dialect.frames(Answer(), asked), asked) is not None
        return dialect.odd_body(fault, dialect.body(Answer(), asked)) is not None
    if fault in _UNREADABLE_ARGUMENTS:
        return _can_say(bent(Answer(fault=fault)), asked, dialect)
    if fault is Fault.COMMENTS and stream:
        return dialect.idle is not None
    if fault is Fault.NO_DONE and stream:
        return any(frame.kind == "mark" for frame in dialect.frames(Answer(), asked))
    return True


def _can_say(answer: Answer, asked: Asked, dialect: Dialect) -> bool:
    """Whether arguments that are no JSON fit into the answer: not where they are an object in another."""
    try:
        _ = dialect.frames(answer, asked) if asked.stream else dialect.body(answer, asked)
    except msgspec.DecodeError:
        return False
    return True


def _plain(answer: Answer, asked: Asked, dialect: Dialect) -> Steps:
    fault = answer.fault
    body = dialect.body(answer, asked)
    if fault is Fault.ERROR_MID_STREAM:
        body |= dialect.error_body(_STOPPED)
    elif fault is not None and fault in ODDITIES:
        body = dialect.odd_body(fault, body) or {}
    return _carried(fault, msgspec.json.encode(body))


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


def _streamed(answer: Answer, asked: Asked, dialect: Dialect) -> Steps:
    fault = answer.fault
    frames = _bent_frames(fault, dialect.frames(answer, asked), asked, dialect)
    speech = [frame for frame in frames if frame.kind != "mark"]
    marks = [piece(dialect.encode(frame)) for frame in frames if frame.kind == "mark"]
    yield stream_head("text/plain" if fault is Fault.WRONG_CONTENT_TYPE else dialect.stream_content_type)
    if cut := _CUTS.get(fault):
        half = len(speech) // 2
        yield from _paced(speech[:half], answer, dialect)
        yield from cut(dialect, asked, speech[half])
    else:
        yield from _paced(speech, answer, dialect)
        yield from _ended(fault, marks)


def _bent_frames(fault: Fault | None, frames: list[Frame], asked: Asked, dialect: Dialect) -> list[Frame]:
    speech = [frame for frame in frames if frame.kind != "mark"]
    marks = frames[len(speech) :]
    middle = len(speech) // 2
    match fault:
        case Fault.EMPTY_CHOICES | Fault.NULL_CONTENT | Fault.USAGE_MISSING:
            return dialect.odd_frames(fault, frames, asked) or []
        case Fault.DUPLICATED_CHUNK:
            return [*frames[:middle], frames[middle], *frames[middle:]]
        case Fault.TWO_FINALS:
            again = (dialect.said("after the end", asked), dialect.ended("length", asked))
            return [*speech, *again, *marks]
        case Fault.ERROR_MID_STREAM:
            return [*speech[:middle], *dialect.error_frames(_STOPPED, asked, is_first=False)]
        case Fault.OUT_OF_ORDER_INDEX:
            return _calls_reversed(frames)
        case _:
            return frames


def _calls_reversed(frames: list[Frame]) -> list[Frame]:
    """Move the pieces of the last tool call before those of the first."""
    first = next(at for at, frame in enumerate(frames) if frame.call is not None)
    calls = [frame for frame in frames if frame.call is not None]
    others = [frame for frame in frames[first:] if frame.call is None]
    return [*frames[:first], *sorted(calls, key=lambda frame: -(frame.call or 0)), *others]


def _paced(frames: Iterable[Frame], answer: Answer, dialect: Dialect) -> Steps:
    for frame in frames:
        if answer.chunk_delay_seconds:
            yield Pause(answer.chunk_delay_seconds)
        if answer.fault is Fault.COMMENTS and dialect.idle:
            yield piece(dialect.idle)
        yield piece(dialect.encode(frame))


def _ended(fault: Fault | None, marks: list[bytes]) -> Steps:
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


def _mid_utf8(dialect: Dialect, asked: Asked, _: Frame) -> tuple[Step, ...]:
    frame = dialect.encode(dialect.said("é", asked))
    return (piece(frame[: frame.index("é".encode()) + 1]), Cut())


def _mid_json(dialect: Dialect, _: Asked, frame: Frame) -> tuple[Step, ...]:
    return (piece(dialect.encode(frame)[:-11]), Cut())


def _at_once(*steps: Step) -> Callable[[Dialect, Asked, Frame], tuple[Step, ...]]:
    def cut(_: Dialect, __: Asked, ___: Frame) -> tuple[Step, ...]:
        return steps

    return cut


_CUTS: dict[Fault | None, Callable[[Dialect, Asked, Frame], tuple[Step, ...]]] = {
    Fault.HANG_BETWEEN_CHUNKS: _at_once(Hang()),
    Fault.TRUNCATED: _at_once(LAST_PIECE),
    Fault.TRUNCATED_CLOSE: _at_once(Cut()),
    Fault.TRUNCATED_RESET: _at_once(Cut("reset")),
    Fault.TRUNCATED_MID_UTF8: _mid_utf8,
    Fault.TRUNCATED_MID_JSON: _mid_json,
}
