"""Changes: the faults in which frames are other than they should be, in number, order or contents."""

from __future__ import annotations

from typing import Any, cast

from msgspec.structs import replace

from .dialects import Dialect
from .script import AnyFault, Change, Counting, Fault
from .terms import Asked, Frame, Json

# Where the dialects keep their counts: OpenAI, Anthropic and Bedrock, and Gemini.
_USAGE_NAMES = frozenset({"usage", "usageMetadata"})


def can_change(fault: AnyFault | None, frames: list[Frame] | None, dialect: Dialect) -> bool:
    """Whether there is anything to change in the frames, or in the plain answer that has none."""
    if isinstance(fault, Change):
        if frames is None:
            return fault.how == "replace" and fault.kind is None
        if fault.how == "crlf":
            return dialect.stream_content_type == "text/event-stream"
        return fault.kind is None or any(frame.kind == fault.kind for frame in frames)
    if isinstance(fault, Counting) and frames is not None:
        return any(_has_usage(frame.payload) for frame in frames)
    return True


def changed_frames(
    fault: AnyFault | None, frames: list[Frame], asked: Asked, dialect: Dialect
) -> list[Frame]:
    """Return the frames as the fault leaves them."""
    if isinstance(fault, Counting):
        return [replace(frame, payload=_counted(frame.payload, fault)) for frame in frames]
    if isinstance(fault, Change):
        return _changed(fault, frames)
    speech = [frame for frame in frames if frame.kind != "mark"]
    middle = len(speech) // 2
    match fault:
        case Fault.DUPLICATED_CHUNK:
            return [*frames[:middle], frames[middle], *frames[middle:]]
        case Fault.TWO_FINALS:
            again = (dialect.said("after the end", asked), dialect.ended("length", asked))
            return [*speech, *again, *frames[len(speech) :]]
        case Fault.OUT_OF_ORDER_INDEX:
            return _calls_reversed(frames)
        case _:
            return frames


def changed_body(fault: AnyFault | None, body: Json) -> Any:
    """Return a plain answer as the fault leaves it."""
    if isinstance(fault, Counting):
        return _counted(body, fault)
    return fault.payload if isinstance(fault, Change) else body


def encoded(fault: AnyFault | None, frames: list[Frame], dialect: Dialect) -> list[bytes]:
    """Return the frames as bytes, with what is no frame between them."""
    pieces = [dialect.encode(frame) for frame in frames]
    if isinstance(fault, Change) and fault.how == "raw":
        pieces.insert(_first(fault, frames), fault.raw)
    if isinstance(fault, Change) and fault.how == "crlf":
        return [content.replace(b"\n", b"\r\n") for content in pieces]
    return pieces


def _changed(change: Change, frames: list[Frame]) -> list[Frame]:
    first = _first(change, frames)
    these = [frame for frame in frames if change.kind in (None, frame.kind)]
    others = [frame for frame in frames if frame not in these]
    match change.how:
        case "repeat":
            return [*frames[:first], frames[first], *frames[first:]]
        case "drop":
            return others
        case "late":
            return [*others, *these]
        case "early":
            return [*these, *others]
        case "replace":
            return [
                replace(frame, payload=change.payload) if frame in these and frame.kind != "mark" else frame
                for frame in frames
            ]
        case "insert":
            return [*frames[:first], replace(frames[first], payload=change.payload), *frames[first:]]
        case "raw" | "crlf":
            return frames


def _first(change: Change, frames: list[Frame]) -> int:
    return next(at for at, frame in enumerate(frames) if change.kind in (None, frame.kind))


def _calls_reversed(frames: list[Frame]) -> list[Frame]:
    """Move the pieces of the last tool call before those of the first."""
    first = next(at for at, frame in enumerate(frames) if frame.call is not None)
    calls = [frame for frame in frames if frame.call is not None]
    others = [frame for frame in frames[first:] if frame.call is None]
    return [*frames[:first], *sorted(calls, key=lambda frame: -(frame.call or 0)), *others]


def _has_usage(payload: Any) -> bool:
    if not isinstance(payload, dict):
        return False
    fields = cast("Json", payload)
    return any(name in _USAGE_NAMES or _has_usage(value) for name, value in fields.items())


def _counted(payload: Any, counting: Counting) -> Any:
    if not isinstance(payload, dict):
        return payload
    fields = cast("Json", payload)
    return {name: _replaced(name, value, counting) for name, value in fields.items()}


def _replaced(name: str, value: Any, counting: Counting) -> Any:
    if name not in _USAGE_NAMES:
        return _counted(value, counting)
    return _numbers_replaced(value, counting.value) if counting.of_each else counting.value


def _numbers_replaced(value: Any, number: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers_replaced(part, number) for name, part in cast("Json", value).items()}
    return number if isinstance(value, int) else value
