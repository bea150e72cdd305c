"""Bytes of a stream → typed events, and the failures that only a stream can have."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, NamedTuple, cast

from ._sse import Decoder, ServerSentMessage
from .events import LAST_EVENTS, Event, Resync, RunContinuing, RunEnded, RunFailed, StreamError, event_from
from .exceptions import BackboardResponseError, BackboardRunError, BackboardTruncatedError


class Place(NamedTuple):
    """How far a reader is in which run; what nothing has said yet is None."""

    thread_id: str | None = None
    run_id: str | None = None
    event_id: str | None = None


NOWHERE = Place()
TRUNCATED = "The stream ended before its run, which may go on: read the thread before you send again."


class EventReader:
    """Reads one stream, which may come over several connections, one after the other.

    `last` is the event that said how the run ended, once it has come, and until the run goes on; `is_at_end`
    says that nothing has followed it. `events_read` counts what is there to stay: a Resync says again
    what was said before.
    """

    def __init__(self, place: Place = NOWHERE) -> None:
        self.place = place
        self.last: Event | None = None
        self.is_at_end = False
        self.has_begun = False
        self.events_read = 0
        self._decoder = Decoder()
        self._known = _number(place.event_id)

    def restart(self) -> None:
        """Go on with another connection: what came in part is dropped, what comes again will be left out."""
        self._decoder = Decoder()
        self._known = _number(self.place.event_id)

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that `chunk` completes.

        Raises BackboardResponseError for what is not an event, BackboardRunError where the run failed.
        """
        for message in self._decoder.feed(chunk):
            event = _event(message)
            if self._is_known(event):
                continue
            _raise_if_failed(event)
            self._take(event)
            yield event

    def result(self) -> Event:
        """Return the last event of the run. Raises BackboardTruncatedError where the stream had none."""
        if self.last is None:
            raise BackboardTruncatedError(TRUNCATED)
        return self.last

    def _is_known(self, event: Event) -> bool:
        """Whether an earlier connection brought it; after a Resync the log is another, which all counts."""
        if isinstance(event, Resync):
            self._known = None
            return False
        number = _number(event.id)
        return self._known is not None and number is not None and number <= self._known

    def _take(self, event: Event) -> None:
        self.place = Place(
            event.get("thread_id") or self.place.thread_id,
            event.get("run_id") or self.place.run_id,
            event.id or self.place.event_id,
        )
        self.has_begun = True
        self.events_read += not isinstance(event, Resync)
        self.is_at_end = isinstance(event, LAST_EVENTS)
        if self.is_at_end:
            self.last = event
        elif isinstance(event, RunContinuing):
            self.last = None


def _number(event_id: str | None) -> int | None:
    return int(event_id) if event_id is not None and event_id.isdecimal() else None


def _event(message: ServerSentMessage) -> Event:
    try:
        fields = json.loads(message.data.decode())
        return event_from(cast("Mapping[str, Any]", fields), message.id)
    except (ValueError, TypeError, KeyError) as failure:
        shown = message.data[:200].decode("utf-8", "replace")
        raise BackboardResponseError(
            f"The stream held what is not an event: {shown}", body=shown
        ) from failure


def _raise_if_failed(event: Event) -> None:
    if isinstance(event, (RunFailed, StreamError)):
        raise BackboardRunError(_failure_text(event), body=event)
    if isinstance(event, RunEnded) and str(event.status or "completed").lower() != "completed":
        raise BackboardRunError(f"The run ended with status {event.status!r}.", body=event)


def _failure_text(event: Event) -> str:
    for name in ("message", "error"):
        said: Any = event.get(name)
        if isinstance(said, dict):
            said = cast("Mapping[str, Any]", said).get("message")
        if isinstance(said, str) and said:
            return said
    return "The run failed, and the server did not say why."
