"""The journal: writes what the runs of this process say to their logs, keeps their leases, and reads logs on.

One loop for all runs of the process, one exchange with the database for each tenant that has any: so a stream
costs no connection, and a token no transaction. What is said between two rounds is seen live only.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.domain.errors import BackboardError
from backboard_server.domain.runs import OPEN_STATUSES, RunLogState
from backboard_server.store.database import Database
from backboard_server.store.run_logs import Batch, Followed, Synced, SyncRuns, Watched, sync_runs

from .live import LiveRun, LiveRuns

ROUND_SECONDS = 0.2
LEASE_SECONDS = 10.0  # a process that is silent for longer has lost its runs
_RENEWAL_SECONDS = LEASE_SECONDS / 4
_PAUSE_SECONDS = 0.5  # after a round that failed

_log = logging.getLogger(__name__)

Place = tuple[UUID, UUID, int]  # in the log of a run of a tenant, the number that was seen last
Waiter = asyncio.Future[RunLogState | None]


class Post(Struct, frozen=True):
    """A run of this process, as the journal keeps it."""

    tenant_id: UUID
    run_id: UUID
    epoch: int
    run: LiveRun


class Journal:
    """One process's journal; `running` is what runs it."""

    def __init__(self, database: Database, runs: LiveRuns) -> None:
        """`runs` are those of this process."""
        self._database = database
        self._runs = runs
        self._posts: dict[UUID, Post] = {}
        self._waiting: dict[Place, set[Waiter]] = {}
        self._stirred = asyncio.Event()
        self._hurry = asyncio.Event()
        self._renewed_at = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the journal for as long as the block lasts."""
        writing = asyncio.create_task(self._keep(), name="journal of runs")
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    def start(self, run: LiveRun, *, tenant_id: UUID, run_id: UUID, epoch: int) -> LiveRun:
        """Own a run, and keep its log until it is over."""
        self._posts[run_id] = Post(tenant_id, run_id, epoch, run)
        run.task.add_done_callback(lambda _: self._close(run_id, run))
        run.log.on_much = self._hurry.set
        self._stirred.set()
        return self._runs.start(run, run_id)

    def find(self, run_id: UUID) -> LiveRun | None:
        """Return a run of this process."""
        return self._runs.find(run_id)

    async def next_state(
        self, tenant_id: UUID, run_id: UUID, after: int, wait_seconds: float
    ) -> RunLogState | None:
        """Return the state of a run with the rows of its log beyond a number, as soon as there are any.

        Also when it is over; and None where it is gone. Raises TimeoutError when nothing came. The beginning
        of a log is read at once, what comes later with the next round.
        """
        waiter = asyncio.get_running_loop().create_future()
        place = (tenant_id, run_id, after)
        self._stirred.set()
        if after == 0:
            self._hurry.set()
        self._waiting.setdefault(place, set()).add(waiter)
        try:
            async with asyncio.timeout(wait_seconds):
                return await waiter
        finally:
            waiters = self._waiting.get(place, set())
            waiters.discard(waiter)
            if not waiters:
                self._waiting.pop(place, None)

    def _close(self, run_id: UUID, run: LiveRun) -> None:
        """Forget a run that is over, unless it has been continued by now."""
        post = self._posts.get(run_id)
        if post is not None and post.run is run:
            del self._posts[run_id]

    async def _keep(self) -> None:
        pause = ROUND_SECONDS
        while True:
            if not self._posts and not self._waiting:
                self._stirred.clear()
                await self._stirred.wait()
            # A run that is over within the pause has written its log itself, with its end: it costs no round.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._hurry.wait()
            self._hurry.clear()
            pause = ROUND_SECONDS if await self._round() else _PAUSE_SECONDS

    async def _round(self) -> bool:
        tenants: dict[UUID, list[Post]] = defaultdict(list)
        for post in self._posts.values():
            tenants[post.tenant_id].append(post)
        is_renewal = time.monotonic() - self._renewed_at > _RENEWAL_SECONDS
        is_good = True
        for tenant_id in {*tenants, *(place[0] for place in self._waiting)}:
            is_good &= await self._sync(tenant_id, tenants[tenant_id], is_renewal=is_renewal)
        if is_renewal and is_good:
            self._renewed_at = time.monotonic()
        return is_good

    async def _sync(self, tenant_id: UUID, posts: list[Post], *, is_renewal: bool) -> bool:
        taken = {post.run_id: row for post in posts if (row := post.run.log.take()) is not None}
        epochs = {post.run_id: post.epoch for post in posts}
        # Whoever begins to wait while the database is asked is not meant by its answer: it may be outdated.
        asked = {place: tuple(found) for place, found in self._waiting.items() if place[0] == tenant_id}
        request = SyncRuns(
            batches=[
                Batch(
                    run_id=run_id,
                    epoch=epochs[run_id],
                    first_sequence=row.first_sequence,
                    last_sequence=row.last_sequence,
                    events=row.events,
                )
                for run_id, row in taken.items()
            ],
            watched=[Watched(post.run_id, post.epoch) for post in posts],
            followed=_from_the_earliest(asked),
            lease_seconds=LEASE_SECONDS if is_renewal and posts else None,
        )
        try:
            synced = await sync_runs(self._database, tenant_id, request)
        except Exception as error:  # noqa: BLE001 - every log and lease of the process hangs on this loop
            _note_failure(len(posts), error)
            for post in posts:
                if post.run_id in taken:
                    post.run.log.put_back()
            return False
        for post in posts:
            if post.run_id in taken:
                post.run.log.confirm()
        self._heed(posts, synced)
        _tell(asked, synced)
        return True

    def _heed(self, posts: list[Post], synced: Synced) -> None:
        """Stop the runs that others have ended, cancelled or taken over."""
        states = {state.run_id: state for state in synced.states}
        for post in posts:
            state = states.get(post.run_id)
            if state is None:
                post.run.stop("deleted")
            elif state.status == "CANCELLED" or (state.is_cancel_requested and state.status in OPEN_STATUSES):
                post.run.stop("cancelled")
            elif state.epoch != post.epoch:
                post.run.stop("taken_over")


def _note_failure(runs: int, error: Exception) -> None:
    if isinstance(error, BackboardError):
        _log.warning("the logs of %d runs could not be written: %s", runs, error.message)
    else:
        _log.error("the logs of %d runs could not be written", runs, exc_info=error)


def _from_the_earliest(places: Iterable[Place]) -> list[Followed]:
    """Return each run once, with the earliest number that somebody waits at."""
    earliest: dict[UUID, int] = {}
    for _, run_id, after in places:
        earliest[run_id] = min(after, earliest.get(run_id, after))
    return [Followed(run_id, after) for run_id, after in earliest.items()]


def _tell(asked: Mapping[Place, tuple[Waiter, ...]], synced: Synced) -> None:
    """Give those who asked what they wait for."""
    states = {state.run_id: state for state in synced.followed}
    for (_, run_id, after), waiters in asked.items():
        state = states.get(run_id)
        if state is not None:
            rows = [row for row in state.rows if row.last_sequence > after]
            if not rows and state.status in OPEN_STATUSES:
                continue
            state = replace(state, rows=rows)
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(state)
