"""Stops: the faults in which a response begins well and then is cut off, or falls silent."""

from __future__ import annotations

from .dialects import Dialect
from .script import AnyFault, Fault, Stop
from .steps import LAST_PIECE, Cut, Hang, Step, Steps, head, piece
from .terms import Asked, Frame

_JSON_LEFT_OUT_BYTES = 11  # of a server-sent event: its blank line, and the end of its JSON

_STOPS: dict[Fault, Stop] = {
    Fault.HANG_BETWEEN_CHUNKS: Stop(how="hang"),
    Fault.TRUNCATED: Stop(how="end"),
    Fault.TRUNCATED_CLOSE: Stop(how="close"),
    Fault.TRUNCATED_RESET: Stop(how="reset"),
    Fault.TRUNCATED_MID_UTF8: Stop(how="close", inside="character"),
    Fault.TRUNCATED_MID_JSON: Stop(how="close", inside="json"),
}
# A plain answer has no frames: it stops before its last bytes, and where it stops in its JSON, it says so.
_BODY_STOPS = _STOPS | {Fault.TRUNCATED_MID_JSON: Stop(how="end")}
_BODY_BYTES_LEFT_OUT = 20


def stop_of(fault: AnyFault | None) -> Stop | None:
    """Return the stop that a fault is, or None for any other."""
    return _STOPS.get(fault) if isinstance(fault, Fault) else fault if isinstance(fault, Stop) else None


def body_stop_of(fault: AnyFault | None) -> Stop | None:
    """Return the stop that a fault is in a plain answer."""
    return _BODY_STOPS.get(fault) if isinstance(fault, Fault) else stop_of(fault)


def can_stop(stop: Stop, frames: list[Frame] | None) -> bool:
    """Whether the frames, or the plain answer that has none, can stop there."""
    if frames is None:
        return stop.after is None
    return stop.after is None or any(frame.kind == stop.after for frame in frames)


def kept(stop: Stop, frames: list[Frame]) -> tuple[list[Frame], Frame | None]:
    """Return the frames before the stop, and the next one; a share is not counted in frames."""
    if stop.after is None:
        count = sum(frame.kind != "mark" for frame in frames) // 2
    else:
        places = [at for at, frame in enumerate(frames, 1) if frame.kind == stop.after]
        count = places[0] if stop.after == "opening" else places[-1]
    return frames[:count], frames[count] if count < len(frames) else None


def end_of_stream(stop: Stop, following: Frame | None, asked: Asked, dialect: Dialect) -> Steps:
    """Yield what comes after the last frame: perhaps a part of one, and the end."""
    if stop.inside == "character":
        frame = dialect.encode(dialect.said("é", asked))
        yield piece(frame[: frame.index("é".encode()) + 1])
    elif stop.inside == "json":
        frame = dialect.encode(following or dialect.said("more", asked))
        yield piece(frame[:-_JSON_LEFT_OUT_BYTES])
    yield _last(stop)


def shortened_stream(stop: Stop, encoded: bytes) -> Steps:
    """Yield a share of all bytes of a stream, and the end."""
    if beginning := encoded[: int(len(encoded) * (stop.share or 0))]:
        yield piece(beginning)
    yield _last(stop)


def shortened_body(stop: Stop, body: bytes) -> Steps:
    """Yield a plain answer whose end is missing: without a word, or with a length that promised more."""
    share = len(body) - _BODY_BYTES_LEFT_OUT if stop.share is None else int(len(body) * stop.share)
    promised = share if stop.how == "end" else len(body)
    yield head(200, "application/json", f"Content-Length: {promised}") + body[:share]
    if stop.how != "end":
        yield _last(stop)


def _last(stop: Stop) -> Step:
    match stop.how:
        case "end":
            return LAST_PIECE
        case "hang":
            return Hang()
        case "close" | "reset":
            return Cut(stop.how)
