"""The log of a run: its events numbered as they happen, written in batches, and read back exactly.

A row of the log is a JSON list. A piece of the answer is its text, a piece of reasoning `{"r": text}`, and
any other event itself, without what can be told from its place: the ids, and the texts that the pieces add up
to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import asdict

from backboard_server.domain import events
from backboard_server.domain.events import Event, RunIds
from backboard_server.domain.runs import LogRow
from backboard_server.store.turns import LogPart

TAKEOVER_JUMP = 10_000
"""How far numbers jump when a run changes hands, so that none that was shown and not logged comes again."""

UNLOGGED_CHARACTERS_MAX = 4_096
"""Of one run; more than that is written at once."""

StopReason = Literal["cancelled", "taken_over", "deleted"]

_ID_FIELDS = ("thread_id", "assistant_id", "run_id")
_SUMS = frozenset({"content", "final_content", "reasoning"})
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Any])


class Numbered(NamedTuple):
    """An event and its place in the run."""

    sequence: int
    event: Event


class RunLog:
    """Numbers the events of one run, and keeps those that are not in the database yet."""

    def __init__(self, logged_through: int = 0, *, counts_from: int | None = None) -> None:
        """The database has the events up to `logged_through`.

        Numbering goes on after it, or `counts_from`.
        """
        self.stop_reason: StopReason | None = None
        self.on_much: Callable[[], None] | None = None
        self.sequence = logged_through if counts_from is None else counts_from
        self._size = 0
        self._logged_through = logged_through
        self._unlogged: list[Numbered] = []
        self._on_its_way: list[Numbered] = []
        self._is_being_written = False
        self._settled: asyncio.Event | None = None  # made by who waits, which few do

    def add(self, event: Event) -> Numbered:
        """Give an event its number; unless the database has it already, it is kept until it does."""
        self.sequence += 1
        numbered = Numbered(self.sequence, event)
        if self.sequence > self._logged_through:
            self._unlogged.append(numbered)
            was_much = self._size > UNLOGGED_CHARACTERS_MAX
            self._size += _size(event)
            if not was_much and self._size > UNLOGGED_CHARACTERS_MAX and self.on_much is not None:
                self.on_much()
        return numbered

    def take(self) -> LogRow | None:
        """Return what is to be written next, if anything; `confirm` or `put_back` must follow.

        What was put back comes first, as the row that it was: it may be in the database after all, where only
        the answer was lost, and a row that is there already changes nothing.
        """
        if self._is_being_written or not (self._on_its_way or self._unlogged):
            return None
        if not self._on_its_way:
            self._on_its_way, self._unlogged, self._size = self._unlogged, [], 0
        self._is_being_written = True
        return row_of(self._on_its_way)

    def confirm(self) -> None:
        """What was taken is in the database."""
        self._logged_through = max(self._logged_through, self._on_its_way[-1].sequence)
        self._on_its_way = []
        self._settle()

    def put_back(self) -> None:
        """What was taken could not be written, or nobody knows: it comes again."""
        self._settle()

    def kept_after(self, through: int) -> list[Numbered] | None:
        """Return the events after a number that are kept here; None where the database has some of them."""
        kept = self._on_its_way + self._unlogged
        first = kept[0].sequence if kept else self.sequence + 1
        return (
            [numbered for numbered in kept if numbered.sequence > through] if through >= first - 1 else None
        )

    async def rest(self, *following: Event) -> LogPart:
        """Return all that is not written, and the events that will follow, the last in a row of its own.

        For whoever stores the end of the run, or of a step: call `wrote` when that is done, then add them.
        """
        while self._is_being_written:  # it may be taken again before this coroutine has its turn
            self._settled = self._settled or asyncio.Event()
            self._settled.clear()
            await self._settled.wait()
        self._is_being_written = True
        coming = [Numbered(self.sequence + place, event) for place, event in enumerate(following, start=1)]
        before = self._on_its_way + self._unlogged + coming[:-1]
        rows = [row_of(part) for part in (before, coming[-1:]) if part]
        last = rows[-1].last_sequence if rows else self._logged_through
        return LogPart(last_sequence=last, rows=rows)

    def wrote(self, part: LogPart) -> None:
        """The rest, and what was to follow, is in the database."""
        self._logged_through = max(self._logged_through, part.last_sequence)
        self._on_its_way, self._unlogged, self._size = [], [], 0
        self._settle()

    def _settle(self) -> None:
        self._is_being_written = False
        if self._settled is not None:
            self._settled.set()


def row_of(numbered: Sequence[Numbered]) -> LogRow:
    """Return events, at least one, as a row of the log."""
    entries = [_entry(event) for _, event in numbered]
    return LogRow(
        first_sequence=numbered[0].sequence,
        last_sequence=numbered[-1].sequence,
        events=_encoder.encode(entries).decode(),
    )


class LogReader:
    """Reads the rows of one log in order, and restores what they leave out. Pure."""

    def __init__(self, ids: RunIds) -> None:
        """`ids` are put on every event."""
        self._ids: dict[str, Any] = asdict(ids)
        self.said: list[str] = []
        self.reasoning = ""
        self.message_id = ""
        self._answer_begins = 0
        self._through = 0

    def read(self, row: LogRow) -> Iterator[Numbered]:
        """Yield the events of a row with their numbers: none twice, though rows may overlap.

        They do where a row was written, its answer was lost, and its events came again with those that
        followed.
        """
        for sequence, entry in enumerate(_decoder.decode(row.events), start=row.first_sequence):
            if sequence > self._through:
                self._through = sequence
                yield Numbered(sequence, self._event(entry))

    def assume(self, content: str, reasoning: str | None) -> None:
        """Take it that this was said so far: what the log had of it is gone."""
        self.said, self.reasoning, self._answer_begins = [content], reasoning or "", 0

    def _event(self, entry: str | dict[str, Any]) -> Event:
        if isinstance(entry, str):
            self.said.append(entry)
            return events.ContentStreaming(**self._ids, content=entry)
        if "r" in entry:
            self.reasoning += entry["r"]
            return events.ReasoningStreaming(
                **self._ids, content=entry["r"], accumulated_reasoning=self.reasoning
            )
        event: Event = msgspec.convert(entry | self._ids | self._sums(entry["type"]), Event)
        self._note(event)
        return event

    def _sums(self, kind: str) -> dict[str, Any]:
        if kind not in ("run_ended", "tool_submit_required", "run_cancelled"):
            return {}
        sums: dict[str, Any] = {"content": "".join(self.said), "reasoning": self.reasoning or None}
        return sums | {"final_content": "".join(self.said[self._answer_begins :])}

    def _note(self, event: Event) -> None:
        match event:
            case events.RunContinuing():
                self.said, self.reasoning, self._answer_begins = [], "", 0
            case events.MessageStart():
                self.message_id = event.message_id
                self._answer_begins = len(self.said)
            case _:
                pass


class LogView:
    """What one reader of a log is shown, who has seen the events up to a number. Pure.

    Numbers leave gaps where a run changed hands: what a reader saw in one was never written, and is taken
    back.
    """

    def __init__(self, ids: RunIds, after: int = 0) -> None:
        """`ids` are put on every event."""
        self._reader = LogReader(ids)
        self._ids = ids
        self.after = after
        self._newest: Numbered | None = None
        self.through = 0

    def take(self, row: LogRow) -> Iterator[Numbered]:
        """Yield what is to be shown of the next row."""
        if self.through < self.after < row.first_sequence:
            yield self._resync("taken_over")
        for numbered in self._reader.read(row):
            self._newest = numbered
            if numbered.sequence > self.after:
                yield numbered
        self.through = row.last_sequence

    def show(self, live: Sequence[Numbered]) -> list[Numbered]:
        """Return what is to be shown of events that come as they happen, before they are in the log."""
        seen = max(self.after, self.through)  # what is stored of a step is in the log before it is told
        shown = [numbered for numbered in live if numbered.sequence > seen]
        if shown:
            self.after = shown[-1].sequence
        return shown

    def skip(self, through: int, content: str, reasoning: str | None, message_id: str) -> Iterator[Numbered]:
        """Yield what stands for the part of the log that is gone, `through` a number: all that was said."""
        self.through = through
        self._reader.assume(content, reasoning)
        self._reader.message_id = message_id
        if self.after < through:
            yield self._resync("expired")

    def end(self) -> Iterator[Numbered]:
        """Yield the last event again to a reader whose number the log never had: nothing more will come."""
        if self.after > self.through and self._newest is not None:
            self.through = self._newest.sequence - 1
            yield self._resync("taken_over")
            yield self._newest
            self.through = self._newest.sequence

    def _resync(self, reason: Literal["expired", "taken_over"]) -> Numbered:
        self.after = self.through
        event = events.Resync(
            thread_id=self._ids.thread_id,
            assistant_id=self._ids.assistant_id,
            run_id=self._ids.run_id,
            after=self.through,
            reason=reason,
            message_id=self._reader.message_id,
            content="".join(self._reader.said),
            reasoning=self._reader.reasoning or None,
        )
        return Numbered(self.through, event)


def _entry(event: Event) -> str | dict[str, Any]:
    match event:
        case events.ContentStreaming():
            return event.content
        case events.ReasoningStreaming():
            return {"r": event.content}
        case _:
            pass
    left_out = _SUMS if isinstance(event, events.AnyEnd) else frozenset[str]()
    fields: dict[str, Any] = msgspec.to_builtins(event)
    return {name: value for name, value in fields.items() if name not in _ID_FIELDS and name not in left_out}


def _size(event: Event) -> int:
    match event:
        case events.ContentStreaming() | events.ReasoningStreaming():
            return len(event.content)
        case _:
            return 1
