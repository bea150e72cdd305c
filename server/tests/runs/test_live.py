"""Runs under way in a process, and the reader of each."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator
from itertools import accumulate

import pytest

from backboard_server.domain import events
from backboard_server.domain.errors import Unavailable
from backboard_server.domain.events import Event
from backboard_server.runs import live
from backboard_server.runs.live import LiveRuns

WHERE = {"thread_id": "t", "assistant_id": "a", "run_id": "r"}
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


@pytest.fixture
def play() -> Play:
    return Play()


async def test_for_a_reader_who_does_not_read_pieces_of_text_are_joined(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=True)
    thoughts = [f"thought {number}, " for number in range(5_000)]
    words = [f"word {number} " for number in range(5_000)]
    so_far = ""
    for thought in thoughts:
        so_far += thought
        play.say(events.ReasoningStreaming(**WHERE, content=thought, accumulated_reasoning=so_far))
    play.say(events.ReasoningEnded(**WHERE), *(piece(word) for word in words), LAST, None)
    await asyncio.wait_for(asyncio.wait([run.task]), WAIT_SECONDS)

    received = await run.next_events(WAIT_SECONDS)

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
    run = LiveRuns().start(play.events(), has_reader=True)
    pieces = [piece(str(number)) for number in range(100)]
    play.say(*pieces, LAST, None)

    received: list[Event] = []
    while (batch := await run.next_events(WAIT_SECONDS)) is not None:
        received += batch

    assert received == [*pieces, LAST]


async def test_what_happened_between_two_calls_comes_as_one_batch(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=True)
    play.say(piece("a"), piece("b"), LAST, None)
    await run.task

    assert await run.next_events(WAIT_SECONDS) == [piece("a"), piece("b"), LAST]
    assert await run.next_events(WAIT_SECONDS) is None
    assert await run.next_events(WAIT_SECONDS) is None


async def test_a_waiting_reader_is_woken_by_an_event(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=True)
    reading = asyncio.create_task(run.next_events(WAIT_SECONDS))
    await asyncio.sleep(0)
    play.say(piece("a"))

    assert await asyncio.wait_for(reading, WAIT_SECONDS / 2) == [piece("a")]
    play.say(LAST, None)
    await run.task


async def test_a_waiting_reader_is_woken_by_the_end(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=True)
    reading = asyncio.create_task(run.next_events(WAIT_SECONDS))
    await asyncio.sleep(0)
    play.say(None)

    assert await asyncio.wait_for(reading, WAIT_SECONDS / 2) is None


async def test_silence_gives_an_empty_batch(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=True)

    assert await run.next_events(0.01) == []

    play.say(piece("a"), LAST, None)
    await run.task
    assert await run.next_events(0.01) == [piece("a"), LAST]


async def test_a_run_goes_on_after_its_reader_has_gone(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=True)
    play.say(piece("a"))
    await run.next_events(WAIT_SECONDS)

    run.abandon()
    play.say(piece("b"), LAST, None)

    assert await run.last_event() == LAST
    assert await run.next_events(WAIT_SECONDS) is None
    assert play.is_closed.is_set()


async def test_without_a_reader_only_the_last_event_is_kept(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=False)
    play.say(piece("a"), LAST, None)

    assert await run.last_event() == LAST
    assert await run.next_events(WAIT_SECONDS) is None


async def test_the_last_event_raises_what_the_run_raised(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=False)
    play.say(piece("a"), Unavailable("Gone"))

    with pytest.raises(Unavailable, match="Gone"):
        await run.last_event()


async def test_a_reader_gets_what_a_failed_run_had_said(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=True)
    play.say(piece("a"), Unavailable("Gone"))

    assert await run.next_events(WAIT_SECONDS) == [piece("a")]
    assert await run.next_events(WAIT_SECONDS) is None


async def test_who_stops_waiting_for_the_end_does_not_stop_the_run(play: Play) -> None:
    run = LiveRuns().start(play.events(), has_reader=False)
    waiting = asyncio.create_task(run.last_event())
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])
    play.say(LAST, None)

    assert await run.last_event() == LAST


async def test_draining_waits_for_runs_to_end_by_themselves(play: Play) -> None:
    runs = LiveRuns()
    run = runs.start(play.events(), has_reader=False)
    draining = asyncio.create_task(runs.drain(WAIT_SECONDS))
    await asyncio.sleep(0)
    assert not draining.done()

    play.say(LAST, None)
    await draining

    assert await run.last_event() == LAST


async def test_draining_stops_what_takes_too_long(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    runs = LiveRuns()
    run = runs.start(play.events(), has_reader=False)
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
    run = runs.start(play.events(), has_reader=False)

    with pytest.raises(Unavailable, match="simultaneous runs"):
        runs.check_room()
    play.say(LAST, None)
    await run.last_event()
    await asyncio.sleep(0)

    runs.check_room()


async def test_the_failure_of_a_run_that_nobody_waits_for_is_no_error_of_the_loop(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    run = LiveRuns().start(play.events(), has_reader=True)
    play.say(Unavailable("Gone"))
    await asyncio.wait([run.task])

    del run
    gc.collect()

    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
