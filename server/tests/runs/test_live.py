"""Runs under way in a process, and the reader of each."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator
from itertools import accumulate
from typing import Any

import pytest

from backboard_server.domain import events
from backboard_server.domain.errors import Unavailable
from backboard_server.domain.events import Event
from backboard_server.domain.ids import new_id
from backboard_server.runs import live
from backboard_server.runs.live import LiveReader, LiveRun, LiveRuns
from backboard_server.runs.log import RunLog

WHERE: dict[str, Any] = {"thread_id": "t", "assistant_id": "a", "run_id": "r"}
LAST = events.RunCancelled(**WHERE)
WAIT_SECONDS = 5.0  # longer than anything here takes


def piece(text: str) -> Event:
    return events.ContentStreaming(**WHERE, content=text)


class Play:
    """A run that is played by the test: it says what it is told, and waits where it is told to."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self.is_closed = asyncio.Event()

    def say(self, *lines: Event | Exception | None) -> None:
        for line in lines:
            self.lines.put_nowait(line)

    async def events(self) -> AsyncGenerator[Event]:
        try:
            while (line := await self.lines.get()) is not None:
                if isinstance(line, Exception):
                    raise line
                yield line
        finally:
            self.is_closed.set()


def read(play: Play) -> tuple[LiveRun, LiveReader]:
    """A run that is played, and the reader of it."""
    run = LiveRuns().start(LiveRun(play.events(), RunLog(), has_reader=True))
    assert run.reader is not None
    return run, run.reader


async def reader_events(reader: LiveReader, wait_seconds: float) -> list[Event] | None:
    received = await reader.next_events(wait_seconds)
    return None if received is None else [numbered.event for numbered in received]


@pytest.fixture
def play() -> Play:
    return Play()


async def test_for_a_reader_who_does_not_read_pieces_of_text_are_joined(play: Play) -> None:
    run, reader = read(play)
    thoughts = [f"thought {number}, " for number in range(5_000)]
    words = [f"word {number} " for number in range(5_000)]
    so_far = ""
    for thought in thoughts:
        so_far += thought
        play.say(events.ReasoningStreaming(**WHERE, content=thought, accumulated_reasoning=so_far))
    play.say(events.ReasoningEnded(**WHERE), *(piece(word) for word in words), LAST, None)
    await asyncio.wait_for(asyncio.wait([run.task]), WAIT_SECONDS)

    received = await reader_events(reader, WAIT_SECONDS)

    assert received is not None
    assert len(received) < live.PENDING_EVENTS_MAX + 100
    thinking = [event for event in received if isinstance(event, events.ReasoningStreaming)]
    assert len(thinking) < live.PENDING_THOUGHTS_MAX + 50
    assert [event.accumulated_reasoning for event in thinking] == list(
        accumulate(event.content for event in thinking)
    )
    assert thinking[-1].accumulated_reasoning == "".join(thoughts)
    said = [event.content for event in received if isinstance(event, events.ContentStreaming)]
    assert "".join(said) == "".join(words)
    assert received[-1] == LAST


async def test_a_reader_gets_every_event_in_order_and_then_none(play: Play) -> None:
    _, reader = read(play)
    pieces = [piece(str(number)) for number in range(100)]
    play.say(*pieces, LAST, None)

    received: list[Event] = []
    while (batch := await reader_events(reader, WAIT_SECONDS)) is not None:
        received += batch

    assert received == [*pieces, LAST]


async def test_what_happened_between_two_calls_comes_as_one_batch(play: Play) -> None:
    run, reader = read(play)
    play.say(piece("a"), piece("b"), LAST, None)
    await run.task

    assert await reader_events(reader, WAIT_SECONDS) == [piece("a"), piece("b"), LAST]
    assert await reader_events(reader, WAIT_SECONDS) is None
    assert await reader_events(reader, WAIT_SECONDS) is None


async def test_a_waiting_reader_is_woken_by_an_event(play: Play) -> None:
    run, reader = read(play)
    reading = asyncio.create_task(reader_events(reader, WAIT_SECONDS))
    await asyncio.sleep(0)
    play.say(piece("a"))

    assert await asyncio.wait_for(reading, WAIT_SECONDS / 2) == [piece("a")]
    play.say(LAST, None)
    await run.task


async def test_a_waiting_reader_is_woken_by_the_end(play: Play) -> None:
    _run, reader = read(play)
    reading = asyncio.create_task(reader_events(reader, WAIT_SECONDS))
    await asyncio.sleep(0)
    play.say(None)

    assert await asyncio.wait_for(reading, WAIT_SECONDS / 2) is None


async def test_silence_gives_an_empty_batch(play: Play) -> None:
    run, reader = read(play)

    assert await reader_events(reader, 0.01) == []

    play.say(piece("a"), LAST, None)
    await run.task
    assert await reader_events(reader, 0.01) == [piece("a"), LAST]


async def test_a_run_goes_on_after_its_reader_has_gone(play: Play) -> None:
    run, reader = read(play)
    play.say(piece("a"))
    await reader_events(reader, WAIT_SECONDS)

    await reader.aclose()
    play.say(piece("b"), LAST, None)

    assert await run.last_event() == LAST
    assert await reader_events(reader, WAIT_SECONDS) is None
    assert play.is_closed.is_set()


async def test_without_a_reader_only_the_last_event_is_kept(play: Play) -> None:
    run = LiveRuns().start(LiveRun(play.events(), RunLog()))
    play.say(piece("a"), LAST, None)

    assert await run.last_event() == LAST
    assert run.reader is None


async def test_the_last_event_raises_what_the_run_raised(play: Play) -> None:
    run = LiveRuns().start(LiveRun(play.events(), RunLog()))
    play.say(piece("a"), Unavailable("Gone"))

    with pytest.raises(Unavailable, match="Gone"):
        await run.last_event()


async def test_a_reader_gets_what_a_failed_run_had_said(play: Play) -> None:
    _run, reader = read(play)
    play.say(piece("a"), Unavailable("Gone"))

    assert await reader_events(reader, WAIT_SECONDS) == [piece("a")]
    assert await reader_events(reader, WAIT_SECONDS) is None


async def test_who_stops_waiting_for_the_end_does_not_stop_the_run(play: Play) -> None:
    run = LiveRuns().start(LiveRun(play.events(), RunLog()))
    waiting = asyncio.create_task(run.last_event())
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])
    play.say(LAST, None)

    assert await run.last_event() == LAST


async def test_draining_waits_for_runs_to_end_by_themselves(play: Play) -> None:
    runs = LiveRuns()
    run = runs.start(LiveRun(play.events(), RunLog()))
    draining = asyncio.create_task(runs.drain(WAIT_SECONDS))
    await asyncio.sleep(0)
    assert not draining.done()

    play.say(LAST, None)
    await draining

    assert await run.last_event() == LAST


async def test_draining_stops_what_takes_too_long(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    runs = LiveRuns()
    run = runs.start(LiveRun(play.events(), RunLog()))
    await asyncio.sleep(0)

    with caplog.at_level(logging.WARNING):
        await runs.drain(0.01)

    assert run.task.cancelled()
    assert play.is_closed.is_set()
    assert "1 runs were stopped" in caplog.text


async def test_draining_without_runs_returns_at_once() -> None:
    await LiveRuns().drain(WAIT_SECONDS)


async def test_there_is_room_again_when_a_run_has_ended(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RUNS_MAX", 1)
    runs = LiveRuns()
    runs.check_room()
    run = runs.start(LiveRun(play.events(), RunLog()))

    with pytest.raises(Unavailable, match="simultaneous runs"):
        runs.check_room()
    play.say(LAST, None)
    await run.last_event()
    await asyncio.sleep(0)

    runs.check_room()


async def test_the_failure_of_a_run_that_nobody_waits_for_is_no_error_of_the_loop(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    run, _reader = read(play)
    play.say(Unavailable("Gone"))
    await asyncio.wait([run.task])

    del run
    gc.collect()

    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_every_reader_gets_what_happens_from_when_it_began_to_read(play: Play) -> None:
    run, first = read(play)
    play.say(piece("a"))
    assert await reader_events(first, WAIT_SECONDS) == [piece("a")]
    second = run.read()
    play.say(piece("b"), LAST, None)
    await run.task

    assert await reader_events(first, WAIT_SECONDS) == [piece("b"), LAST]
    assert await second.next_events(WAIT_SECONDS) == [(2, piece("b")), (3, LAST)]


async def test_a_run_that_is_to_end_with_its_reader_is_stopped_when_the_last_one_goes(play: Play) -> None:
    run = LiveRuns().start(LiveRun(play.events(), RunLog(), has_reader=True, ends_with_reader=True))
    second = run.read()
    await asyncio.sleep(0)

    await second.aclose()
    assert run.log.stop_reason is None
    assert run.reader is not None
    await run.reader.aclose()

    assert run.log.stop_reason == "cancelled"
    await asyncio.wait([run.task])
    assert play.is_closed.is_set()


async def test_a_run_is_found_by_its_id_until_it_is_over_or_continued(play: Play) -> None:
    runs, run_id = LiveRuns(), new_id()
    first = runs.start(LiveRun(play.events(), RunLog()), run_id)
    assert runs.find(run_id) is first

    later = Play()
    second = runs.start(LiveRun(later.events(), RunLog()), run_id)
    play.say(LAST, None)
    await first.last_event()
    await asyncio.sleep(0)

    assert runs.find(run_id) is second
    later.say(LAST, None)
    await second.last_event()
    await asyncio.sleep(0)
    assert runs.find(run_id) is None


async def test_who_waits_for_a_run_that_the_server_stopped_is_told_so(play: Play) -> None:
    run = LiveRuns().start(LiveRun(play.events(), RunLog()))
    waiting = asyncio.create_task(run.last_event())
    await asyncio.sleep(0)

    run.task.cancel()

    with pytest.raises(Unavailable) as raised:
        await waiting
    assert raised.value.error_code == "server_stopped"


async def test_the_first_reason_to_stop_counts(play: Play) -> None:
    run = LiveRuns().start(LiveRun(play.events(), RunLog()))
    await asyncio.sleep(0)

    run.stop("taken_over")
    run.stop("cancelled")

    assert run.log.stop_reason == "taken_over"
    await asyncio.wait([run.task])
