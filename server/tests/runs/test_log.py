"""The log of a run: events numbered, written in batches and read back exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta, timezone
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.domain import events
from backboard_server.domain.events import Event
from backboard_server.domain.runs import LogRow
from backboard_server.runs.log import (
    TAKEOVER_JUMP,
    UNLOGGED_CHARACTERS_MAX,
    LogReader,
    Numbered,
    RunLog,
    row_of,
)
from backboard_server.store.turns import LogPart
from log_events import (
    ATTEMPTS,
    CALL,
    FILE,
    IDS,
    NOW,
    ODD,
    RECALLED,
    WHERE,
    ended,
    said,
    start,
    thought,
    waiting,
)

STORY: list[Event] = [
    events.MessageReceived(**WHERE),
    events.UserMessage(**WHERE, message_id="question", content=ODD, attachments=[FILE]),
    events.RunQueued(**WHERE, message_id="answer"),
    events.RunStarted(**WHERE, message_id="answer", provider="openai", model_name="gpt-x"),
    events.ModelFallback(**WHERE, provider="anthropic", model_name="claude-x", failed=ATTEMPTS[0]),
    events.MemoryRetrieved(**WHERE, memories=[RECALLED]),
    start("answer"),
    thought("Hm.", "Hm."),
    thought(ODD, f"Hm.{ODD}"),
    events.ReasoningEnded(**WHERE),
    said("I look "),
    said(ODD),
    events.ToolCallStart(**WHERE, tool_call_id="call_1", name=ODD),
    events.ToolCallReady(**WHERE, tool_call=CALL),
    events.ToolResult(**WHERE, tool_call_id="call_1", name=ODD, status="FAILED", output=ODD),
    start("second answer"),
    thought("Ah.", f"Hm.{ODD}Ah."),
    said("Once more "),
    waiting(f"I look {ODD}Once more ", f"Hm.{ODD}Ah."),
    events.RunContinuing(**WHERE, phase="tool_outputs", tool_call_ids=["call_1", ODD]),
    start("third answer"),
    thought("So.", "So."),
    said("It is "),
    start("fourth answer"),
    said("late."),
    ended("It is late.", "late.", "So."),
    events.RunCancelled(**WHERE, message_id="answer", content="It is late.", reasoning="So.", created_at=NOW),
    events.RunContinuing(**WHERE, phase="resumed"),
    events.RunCancelled(**WHERE),
    events.RunFailed(**WHERE, error=ODD, message=ODD, code="provider_failed", message_id="answer"),
    events.RunFailed(**WHERE, error="e", message="e", code="provider_rate_limited", retry_after_seconds=0.5),
    ended("", ""),
    events.MessageSaved(
        **WHERE,
        message_id="question",
        content=ODD,
        attachments=[FILE],
        created_at=NOW.astimezone(timezone(timedelta(hours=-9, minutes=-30))),
    ),
    events.Resync(**WHERE, after=4, reason="expired", message_id="answer", content=ODD, reasoning=None),
]


def numbered(told: Iterable[Event], begins: int = 1) -> list[Numbered]:
    return [Numbered(place, event) for place, event in enumerate(told, start=begins)]


def read(*rows: LogRow) -> list[Numbered]:
    reader = LogReader(IDS)
    return [event for row in rows for event in reader.read(row)]


async def written(log: RunLog, *following: Event) -> LogPart:
    """The rest of a log, written."""
    part = await log.rest(*following)
    log.wrote(part)
    for event in following:
        log.add(event)
    return part


def test_every_kind_of_event_comes_back_as_it_was() -> None:
    assert {type(event) for event in STORY} == set(get_args(Event))

    assert read(row_of(numbered(STORY))) == numbered(STORY)


@given(st.sets(st.integers(1, len(STORY) - 1)))
def test_events_come_back_however_they_were_cut_into_rows(cuts: set[int]) -> None:
    told = numbered(STORY)
    edges = [0, *sorted(cuts), len(told)]

    rows = [row_of(told[begin:end]) for begin, end in pairwise(edges)]

    assert [(row.first_sequence, row.last_sequence) for row in rows] == [
        (begin + 1, end) for begin, end in pairwise(edges)
    ]
    assert read(*rows) == told


def test_a_row_leaves_out_what_its_place_and_its_pieces_tell() -> None:
    row = row_of(numbered([said("a"), thought("b", "b"), waiting("a", "b")]))

    assert row.events.startswith('["a",{"r":"b"},{"type":"tool_submit_required",')
    left_out = ("thread_id", "assistant_id", "run_id", '"content":"a"', '"reasoning"')
    assert [word for word in left_out if word in row.events] == []


def test_events_that_are_written_twice_are_read_once() -> None:
    told = numbered([said("a"), said("b"), said("c"), ended("abc", "abc")])

    assert read(row_of(told[:2]), row_of(told[:3]), row_of(told[3:])) == told
    assert read(row_of(told[:2]), row_of(told[1:])) == told


def test_numbers_count_from_one_or_go_on_where_they_are_told_to() -> None:
    assert RunLog().add(said("a")).sequence == 1
    assert RunLog(7).add(said("a")).sequence == 8
    assert RunLog(7, counts_from=100).add(said("a")).sequence == 101


def test_what_the_database_has_already_is_numbered_and_not_written_again() -> None:
    log = RunLog(2, counts_from=0)

    assert [log.add(said(text)).sequence for text in "ab"] == [1, 2]
    assert log.take() is None
    log.add(said("c"))

    assert log.take() == row_of(numbered([said("c")], 3))


def test_all_that_was_added_is_taken_at_once_and_nothing_more_while_it_is_on_its_way() -> None:
    log = RunLog()
    assert log.take() is None
    log.add(said("a"))
    log.add(said("b"))
    assert log.take() == row_of(numbered([said("a"), said("b")]))
    log.add(said("c"))

    assert log.take() is None
    log.confirm()

    assert log.take() == row_of(numbered([said("c")], 3))
    log.confirm()
    assert log.take() is None


def test_what_is_put_back_comes_again_as_the_row_that_it_was_and_then_what_was_added_since() -> None:
    log = RunLog()
    log.add(said("a"))
    first = log.take()
    log.add(said("b"))
    log.put_back()

    assert log.take() == first == row_of(numbered([said("a")]))
    log.put_back()
    assert log.take() == first
    log.confirm()
    assert log.take() == row_of(numbered([said("b")], 2))


async def test_the_rest_is_all_that_is_not_written_with_what_follows_and_the_last_by_itself() -> None:
    log = RunLog()
    log.add(said("a"))
    log.take()
    log.confirm()
    log.add(said("b"))

    part = await log.rest(said("c"), ended("abc", "abc"))

    rows = [row_of(numbered([said("b"), said("c")], 2)), row_of(numbered([ended("abc", "abc")], 4))]
    assert part == LogPart(last_sequence=4, rows=rows)
    assert log.take() is None
    log.wrote(part)
    assert log.add(said("c")) == (3, said("c"))
    assert log.add(ended("abc", "abc")).sequence == 4
    assert log.take() is None
    log.add(start("next"))
    assert log.take() == row_of(numbered([start("next")], 5))


async def test_the_rest_of_a_log_that_is_written_is_nothing_and_ends_where_the_log_does() -> None:
    log = RunLog(5)

    assert await log.rest() == LogPart(last_sequence=5, rows=[])


async def test_the_rest_after_a_takeover_keeps_its_distance_to_what_was_seen() -> None:
    log = RunLog(5, counts_from=5 + TAKEOVER_JUMP)

    part = await log.rest(ended("", ""))

    assert (part.rows[0].first_sequence, part.last_sequence) == (TAKEOVER_JUMP + 6, TAKEOVER_JUMP + 6)


@pytest.mark.parametrize("is_written", [True, False])
async def test_the_rest_waits_for_what_is_on_its_way(is_written: bool) -> None:
    log = RunLog()
    log.add(said("a"))
    log.take()
    log.add(said("b"))
    resting = asyncio.create_task(log.rest(ended("ab", "ab")))
    await asyncio.sleep(0)
    assert not resting.done()

    (log.confirm if is_written else log.put_back)()

    rows = (await resting).rows
    before = [said("b")] if is_written else [said("a"), said("b")]
    assert rows == [
        row_of(numbered(before, 3 - len(before))),
        row_of(numbered([ended("ab", "ab")], 3)),
    ]


async def test_the_rest_waits_on_where_the_log_is_taken_again_at_the_same_moment() -> None:
    log = RunLog()
    log.add(said("a"))
    log.take()
    resting = asyncio.create_task(log.rest(ended("ab", "ab")))
    await asyncio.sleep(0)

    log.confirm()
    log.add(said("b"))
    assert log.take() == row_of(numbered([said("b")], 2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not resting.done()
    log.confirm()

    assert (await resting).rows == [row_of(numbered([ended("ab", "ab")], 3))]


async def test_a_rest_that_could_not_be_stored_comes_again_without_what_was_to_follow() -> None:
    log = RunLog()
    log.add(said("a"))
    await log.rest(ended("a", "a"))
    log.put_back()
    failed = events.RunFailed(**WHERE, error="e", message="e", code="unavailable")

    part = await log.rest(failed)

    assert part.rows == [row_of(numbered([said("a")])), row_of(numbered([failed], 2))]
    log.put_back()
    assert log.take() == row_of(numbered([said("a")]))


async def test_a_row_whose_fate_is_unknown_comes_again_with_the_rest() -> None:
    log = RunLog()
    log.add(said("a"))
    log.take()
    log.put_back()
    log.add(said("b"))

    part = await log.rest(ended("ab", "ab"))

    assert read(*part.rows) == numbered([said("a"), said("b"), ended("ab", "ab")])
    log.wrote(part)
    log.add(ended("ab", "ab"))
    assert log.take() is None


def test_who_writes_is_told_once_when_much_is_unwritten() -> None:
    log, told = RunLog(), [0]
    log.on_much = lambda: told.append(log.sequence)
    half = UNLOGGED_CHARACTERS_MAX // 2
    log.add(thought("x" * half, "x" * half))
    log.add(said("x" * half))
    assert told == [0]

    log.add(said("x"))
    log.add(said("x"))
    assert told == [0, 3]
    log.take()
    log.confirm()
    log.add(said("x" * 2 * half))
    log.add(start("next"))

    assert told == [0, 3, 6]


async def test_what_was_written_with_the_rest_counts_as_unwritten_no_more() -> None:
    log, told = RunLog(), list[int]()
    log.on_much = lambda: told.append(log.sequence)
    log.add(said("x" * UNLOGGED_CHARACTERS_MAX))

    await written(log, start("next"))
    log.add(said("x" * UNLOGGED_CHARACTERS_MAX))

    assert told == []


def test_what_is_not_in_the_database_is_kept_for_who_reads_on_in_this_process() -> None:
    log = RunLog()
    assert log.kept_after(0) == []
    log.add(said("a"))
    log.take()
    log.confirm()
    assert log.kept_after(1) == []
    log.add(said("b"))
    log.take()
    log.add(said("c"))

    assert log.kept_after(1) == numbered([said("b"), said("c")], 2)
    assert log.kept_after(2) == numbered([said("c")], 3)
    assert log.kept_after(3) == []
    assert log.kept_after(0) is None


def test_a_run_that_was_taken_over_keeps_nothing_for_who_has_not_read_of_it() -> None:
    log = RunLog(5, counts_from=5 + TAKEOVER_JUMP)

    assert log.kept_after(5) is None
    log.add(said("a"))
    assert log.kept_after(5) is None
