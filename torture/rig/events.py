"""Events of a stream: cut out of its bytes, and collected as a client does that honours `resync`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

ENDS = frozenset({"run_ended", "run_failed", "run_cancelled", "tool_submit_required", "message_saved"})


class Event(Struct, frozen=True):
    """An event with its number."""

    id: int
    fields: dict[str, Any]

    @property
    def type(self) -> str:
        """What it is."""
        return self.fields["type"]

    @property
    def is_end(self) -> bool:
        """Whether nothing follows it in its stream."""
        return self.type in ENDS


class Decoder:
    """Bytes to events; what is not complete is kept until it is."""

    def __init__(self) -> None:
        """Begin at the beginning of a body."""
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield the events that are complete now."""
        *blocks, self._rest = (self._rest + piece).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if not line.startswith(b":"))
            if fields:
                yield Event(int(fields[b"id"]), msgspec.json.decode(fields[b"data"]))


class Collected:
    """What a client has of one run, over however many connections; it goes on after `last_id`."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.events: list[Event] = []
        self.content = ""
        self.last_id = 0
        self.resyncs = 0
        self.flaws: list[str] = []

    @property
    def end(self) -> Event | None:
        """The last event, if it is one that ends the stream."""
        return self.events[-1] if self.events and self.events[-1].is_end else None

    def take(self, event: Event) -> None:
        """Add an event, or take back what a resync says was never written."""
        if event.type == "resync":
            self.resyncs += 1
            self.last_id = event.fields["after"]
            self.events = [kept for kept in self.events if kept.id <= self.last_id]
            self.content = event.fields["content"]
            return
        if event.id <= self.last_id:
            self.flaws.append(f"event {event.id} came after {self.last_id}")
        self.last_id = event.id
        self.events.append(event)
        if event.type == "content_streaming":
            self.content += event.fields["content"]
        elif event.type == "run_continuing":
            self.content = ""


def differences(reader: Collected, log: Collected) -> Iterator[str]:
    """Yield where a reader has put together something else than the log."""
    if log.resyncs:
        yield "the log itself came with a resync"
    if reader.content != log.content:
        yield f"what was read is {reader.content!r}, and the log is {log.content!r}"
    seen, there = _by_id(reader), _by_id(log)
    if missing := there.keys() - seen.keys():
        yield f"events {sorted(missing)} are missing"
    if invented := seen.keys() - there.keys():
        yield f"events {sorted(invented)} are not in the log"
    for number in seen.keys() & there.keys():
        if seen[number].fields != there[number].fields:
            yield f"event {number} was {seen[number].fields}, and in the log it is {there[number].fields}"


def _by_id(collected: Collected) -> dict[int, Event]:
    return {event.id: event for event in collected.events}
