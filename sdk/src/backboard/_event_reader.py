"""Bytes of a stream → typed events, and the failures that only a stream can have."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, cast

from ._sse import Decoder, ServerSentMessage
from .events import LAST_EVENTS, Event, RunEnded, RunFailed, StreamError, event_from
from .exceptions import BackboardResponseError, BackboardRunError, BackboardTruncatedError


class EventReader:
    """Reads one stream; `last` is the event that said how the run ended, once it has come."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self.last: Event | None = None

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that `chunk` completes.

        Raises BackboardResponseError for what is not an event, BackboardRunError where the run failed.
        """
        for message in self._decoder.feed(chunk):
            event = _event(message)
            _raise_if_failed(event)
            if isinstance(event, LAST_EVENTS):
                self.last = event
            yield event

    def result(self) -> Event:
        """Return the last event of the run. Raises BackboardTruncatedError where the stream had none."""
        if self.last is None:
            raise BackboardTruncatedError(
                "The stream ended before its run, which may go on: read the thread before you send again."
            )
        return self.last


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
