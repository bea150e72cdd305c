"""Where a stream that broke off is taken up again, and how often that is tried."""

from __future__ import annotations

from typing import NoReturn

from ._event_reader import TRUNCATED, EventReader
from ._patience import resuming_pause_seconds
from ._requests import Request, path
from ._uploads import are_repeatable
from .events import ToolSubmitRequired
from .exceptions import BackboardAPIError, BackboardTruncatedError

TRIES_MAX = 5  # in a row, without an event between them


class Resumption:
    """The patience of one stream: it starts anew with every event that arrives."""

    def __init__(self, request: Request, reader: EventReader) -> None:
        self._first_request = request
        self._reader = reader
        self._tries = 0
        self._events_before = 0

    @property
    def is_needless(self) -> bool:
        """Whether nothing is missing but the end of the connection.

        A run that is followed may have gone on since it asked for tools to be called.
        """
        is_followed = self._first_request.method == "GET"
        return self._reader.is_at_end and not (
            is_followed and isinstance(self._reader.last, ToolSubmitRequired)
        )

    def next_try(self, failure: BackboardAPIError, chance: float) -> tuple[Request, float]:
        """Return what to ask for, and after how many seconds. Raises what ends the stream where it is over.

        `chance`, from 0 to 1, spreads the pause.
        """
        if self._reader.events_read > self._events_before:
            self._events_before = self._reader.events_read
            self._tries = 0
        self._tries += 1
        request = self._request()
        if request is None or self._tries > TRIES_MAX:
            self._give_up(failure)
        pause = resuming_pause_seconds(request.method, failure, self._tries, chance)
        if pause is None:
            self._give_up(failure)
        return request, pause

    def _request(self) -> Request | None:
        """What to ask for to go on where the reader is, or None where that cannot be asked for.

        Before any event it is the same once more, under its key; later it is what the run has said since.
        """
        if not self._reader.has_begun:
            return self._first_request if are_repeatable(self._first_request.uploads) else None
        thread_id, run_id, event_id = self._reader.place
        if thread_id is None or run_id is None or event_id is None:  # a server that keeps no log of events
            return None
        events = path("threads", thread_id, "runs", run_id, "events")
        return Request("GET", events, headers={"Last-Event-ID": event_id})

    def _give_up(self, failure: BackboardAPIError) -> NoReturn:
        """Raise the failure, unless it is an answer to a question that only this class has asked."""
        if self._reader.has_begun and failure.status_code is not None:
            raise BackboardTruncatedError(TRUNCATED) from failure
        raise failure
