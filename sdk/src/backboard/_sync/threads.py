# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""The methods of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from backboard._answers import parse, parse_dict, parse_list
from backboard._requests import Id, Request, path
from backboard.models.threads import Thread, ThreadDeleted

if TYPE_CHECKING:
    from backboard._options import Timeout

    from .transport import Transport


class ThreadMethods:
    """Open, find, read and delete threads."""

    _transport: Transport

    def create_thread(
        self, assistant_id: Id, *, idempotency_key: str | None = None, timeout: Timeout = None
    ) -> Thread:
        """Open a thread of an assistant."""
        request = Request("POST", path("assistants", assistant_id, "threads"), fields={})
        return parse(Thread, self._transport.fetch(request.under(idempotency_key), timeout))

    def list_threads_for_assistant(
        self, assistant_id: Id, skip: int = 0, limit: int = 100, *, timeout: Timeout = None
    ) -> list[Thread]:
        """Return a page of an assistant's threads."""
        request = Request(
            "GET", path("assistants", assistant_id, "threads"), query={"skip": skip, "limit": limit}
        )
        return parse_list(Thread, self._transport.fetch(request, timeout))

    def list_threads(self, skip: int = 0, limit: int = 100, *, timeout: Timeout = None) -> list[Thread]:
        """Return a page of all threads."""
        request = Request("GET", "/threads", query={"skip": skip, "limit": limit})
        return parse_list(Thread, self._transport.fetch(request, timeout))

    def get_thread(self, thread_id: Id, *, timeout: Timeout = None) -> Thread:
        """Return a thread with its messages. Raises BackboardNotFoundError where there is none of that id."""
        return parse(Thread, self._transport.fetch(Request("GET", path("threads", thread_id)), timeout))

    def delete_thread(self, thread_id: Id, *, timeout: Timeout = None) -> ThreadDeleted:
        """Delete a thread with its messages and documents."""
        request = Request("DELETE", path("threads", thread_id))
        return cast("ThreadDeleted", parse_dict(self._transport.fetch(request, timeout)))
