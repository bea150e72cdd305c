"""A client without the SDK that follows a run through every break, as the documentation says it is done."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from msgspec import Struct

from .events import Collected, Decoder
from .wire import Broken, Caller, Request

PATIENCE_SECONDS = 120.0
_PAUSES_SECONDS = (0.0, 0.1)
_AWAY = 503  # the server is starting, or its database is


class Refused(Exception):
    """The server answered, and not with a stream: what it said is not what it had promised."""

    def __init__(self, status: int, body: bytes) -> None:
        """`status` and `body` are the answer's."""
        super().__init__(f"{status} {body[:300].decode(errors='replace')}")
        self.status = status


class Beginning(Struct, frozen=True):
    """The POST that a stream begins with; its key makes it safe to send again."""

    path: str
    body: dict[str, Any]
    key: str


class Pursuit:
    """One reader of one run, which goes on after every break until it has the end."""

    def __init__(
        self,
        caller: Caller,
        chance: random.Random,
        beginning: Beginning | None = None,
        *,
        cuts: Iterable[int] = (),
        on_break: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Each of `cuts` is how many bytes of the next answer get through; once they are used up, all do.

        `on_break` is awaited after each break, before the next try; it may raise Broken to give up.
        """
        self.collected = Collected()
        self.is_acknowledged = False
        self.connections = 0
        self.resume_seconds: list[float] = []
        self._place: tuple[str, str] | None = None
        self._caller = caller
        self._chance = chance
        self._beginning = beginning
        self._cuts = iter(cuts)
        self._on_break = on_break

    @classmethod
    def of_run(
        cls,
        caller: Caller,
        chance: random.Random,
        thread_id: str,
        run_id: str,
        *,
        cuts: Iterable[int] = (),
        on_break: Callable[[], Awaitable[object]] | None = None,
    ) -> Pursuit:
        """Return a further reader, of a run that somebody else began."""
        pursuit = cls(caller, chance, cuts=cuts, on_break=on_break)
        pursuit._place = (thread_id, run_id)
        return pursuit

    async def to_the_end(self) -> Collected:
        """Read until the run has said its last. Raises Refused, and TimeoutError where that never comes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.collected.end is None:
                try:
                    await self._read_on()
                except Broken as broken:
                    if self._on_break is not None and not broken.is_unsent:
                        await self._on_break()
                    await asyncio.sleep(self._chance.uniform(*_PAUSES_SECONDS))
        return self.collected

    @property
    def thread_id(self) -> str | None:
        """The thread, as soon as an event has named it."""
        return self._place[0] if self._place else None

    @property
    def run_id(self) -> str | None:
        """The run, as soon as an event has named it."""
        return self._place[1] if self._place else None

    async def _read_on(self) -> None:
        self.connections += 1
        decoder, started = Decoder(), time.monotonic()
        async with self._caller.asked(self._next_request()) as asked:
            if asked.status != 200:
                body = b"".join([piece async for piece in asked.pieces()])
                if asked.status == _AWAY:
                    raise Broken("the server is not there yet")
                raise Refused(asked.status, body)
            has_come = False
            async for piece in asked.pieces():
                if not has_come and self._place is not None:
                    self.resume_seconds.append(time.monotonic() - started)
                has_come = True
                for event in decoder.feed(piece):
                    self.is_acknowledged |= event.type == "user_message"
                    self._place = (event.fields["thread_id"], event.fields["run_id"])
                    self.collected.take(event)
        if self.collected.end is None:
            raise Broken("the stream ended before its run")

    def _next_request(self) -> Request:
        cut = next(self._cuts, None)
        headers = {} if cut is None else {"x-cut": str(cut)}
        if self._place is None:
            assert self._beginning is not None  # noqa: S101 - whoever has no run has something to begin one with
            headers |= {"idempotency-key": self._beginning.key}
            return Request(
                method="POST", path=self._beginning.path, body=self._beginning.body, headers=headers
            )
        thread_id, run_id = self._place
        headers |= {"last-event-id": str(self.collected.last_id)}
        return Request(method="GET", path=f"/threads/{thread_id}/runs/{run_id}/events", headers=headers)
