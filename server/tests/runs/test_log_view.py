"""What a reader of a log is shown who saw a part of the run: the rest, each event once, or a correction.

Runs are told at random: written in rows, lost by their process, continued, and read by clients who leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.domain import events
from backboard_server.domain.events import Event
from backboard_server.domain.runs import LogRow
from backboard_server.runs.log import TAKEOVER_JUMP, LogView, Numbered, RunLog, row_of
from log_events import IDS, WHERE, ended, said, start, thought, waiting

TEXTS = st.text("aé\n\u2028👩", max_size=3)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["say", "think", "step", "write", "fumble", "lose the answer", "wait", "lose"]),
        TEXTS,
    ),
    max_size=25,
)


class Client:
    """What a client has collected of a run, as every client does it."""

    def __init__(self) -> None:
        self.content = ""
        self.reasoning = ""
        self.last_id = 0

    def see(self, numbered: Numbered) -> None:
        event = numbered.event
        assert isinstance(event, events.Resync) or numbered.sequence > self.last_id
        self.last_id = numbered.sequence
        match event:
            case events.Resync():
                assert event.after == numbered.sequence
                self.content, self.reasoning = event.content, event.reasoning or ""
            case events.RunContinuing():
                self.content, self.reasoning = "", ""
            case events.ContentStreaming():
                self.content += event.content
            case events.ReasoningStreaming():
                self.reasoning += event.content
                assert event.accumulated_reasoning == self.reasoning
            case events.ToolSubmitRequired() | events.RunEnded():
                assert (event.content, event.reasoning or "") == (self.content, self.reasoning)
            case _:
                pass

    def copy(self) -> Client:
        copied = Client()
        copied.content, copied.reasoning, copied.last_id = self.content, self.reasoning, self.last_id
        return copied


class Told:
    """A run that was told to its end: its log, and what a client had collected at each number it may have."""

    def __init__(self, acts: list[tuple[str, str]]) -> None:
        self.rows: list[LogRow] = []
        self.clients = {0: Client()}
        self._log = RunLog()
        self._live: Client | None = Client()
        self.said = self.thought = ""
        asyncio.run(self._tell(acts))
        self.whole = Client()
        for numbered in shown(LogView(IDS), self.rows):
            self.whole.see(numbered)
            self.clients[numbered.sequence] = self.whole.copy()

    async def _tell(self, acts: list[tuple[str, str]]) -> None:
        self._add(start("an answer"))
        for act, text in acts:
            match act:
                case "say":
                    self._say(text)
                case "think":
                    self.thought += text
                    self._add(thought(text, self.thought))
                case "step":
                    await self._store(start("a next answer"))
                case "wait":
                    await self._wait()
                case "lose":
                    self._lose()
                case _:
                    self._write(act)
        await self._store(ended(self.said, self.said, self.thought or None))

    def _say(self, text: str) -> None:
        self.said += text
        self._add(said(text))

    def _write(self, act: str) -> None:
        """Write to the log, or fail to, or have it written and not learn of it."""
        row = self._log.take()
        if row is None:
            return
        if act != "fumble" and self._logged < row.first_sequence:
            self.rows.append(row)
        (self._log.confirm if act == "write" else self._log.put_back)()
        self._say("and so on ")

    async def _wait(self) -> None:
        """Wait for the application's tools, and go on in whichever process is given their outputs."""
        await self._store(waiting(self.said, self.thought or None))
        self._go_on(RunLog(self._logged + 2, counts_from=self._logged), Client(), "tool_outputs")
        part = [
            Numbered(self._logged + 1, continuing("tool_outputs")),
            Numbered(self._logged + 2, start("it")),
        ]
        self.rows.append(row_of(part))

    def _lose(self) -> None:
        """Lose the process, and what it had not written; another one, to which nobody listens, goes on."""
        self._go_on(RunLog(self._logged, counts_from=self._logged + TAKEOVER_JUMP), None, "resumed")

    def _go_on(self, log: RunLog, live: Client | None, phase: str) -> None:
        self._log, self._live, self.said, self.thought = log, live, "", ""
        self._add(continuing(phase))
        self._add(start("it"))

    async def _store(self, event: Event) -> None:
        part = await self._log.rest(event)
        self.rows += part.rows
        self._log.wrote(part)
        self._add(event)

    def _add(self, event: Event) -> None:
        numbered = self._log.add(event)
        if self._live is not None:
            self._live.see(numbered)
            self.clients[numbered.sequence] = self._live.copy()

    @property
    def _logged(self) -> int:
        return self.rows[-1].last_sequence if self.rows else 0


def continuing(phase: str) -> Event:
    return events.RunContinuing(**WHERE, phase="resumed" if phase == "resumed" else "tool_outputs")


def shown(view: LogView, rows: Iterable[LogRow]) -> Iterator[Numbered]:
    return chain.from_iterable(view.take(row) for row in rows)


def read_to_the_end(told: Told, client: Client) -> list[Numbered]:
    view = LogView(IDS, client.last_id)
    received = [*shown(view, told.rows), *view.end()]
    for numbered in received:
        client.see(numbered)
    return received


@given(ACTS, st.data())
def test_whoever_saw_a_part_of_a_run_and_reads_on_has_all_of_it_in_the_end(
    acts: list[tuple[str, str]], data: st.DataObject
) -> None:
    told = Told(acts)
    client = told.clients[data.draw(st.sampled_from(sorted(told.clients)))].copy()
    breaks = st.tuples(st.integers(0, len(told.rows)), st.integers(0, 9))

    for rows, seen in data.draw(st.lists(breaks, max_size=4)):
        for numbered in islice(shown(LogView(IDS, client.last_id), told.rows[:rows]), seen):
            client.see(numbered)
    read_to_the_end(told, client)

    assert (client.content, client.reasoning) == (told.said, told.thought)
    assert client.last_id == told.whole.last_id


@given(ACTS, st.integers(1, 3 * TAKEOVER_JUMP), TEXTS)
def test_whoever_names_a_number_that_never_was_is_set_right(
    acts: list[tuple[str, str]], number: int, text: str
) -> None:
    told = Told(acts)
    client = told.clients.get(number, Client()).copy()
    if number not in told.clients:
        client.content, client.reasoning, client.last_id = text, text, number

    received = read_to_the_end(told, client)

    assert (client.content, client.reasoning) == (told.said, told.thought)
    assert number in told.clients or isinstance(received[0].event, events.Resync)


ROWS = [
    row_of([Numbered(1, start("answer")), Numbered(2, thought("Hm.", "Hm."))]),
    row_of([Numbered(3, said("Half"))]),
    row_of([Numbered(90, continuing("resumed")), Numbered(91, start("again")), Numbered(92, said("Whole"))]),
    row_of([Numbered(93, ended("Whole", "Whole"))]),
]


def resync(after: int, reason: Literal["expired", "taken_over"], said: str, thought: str | None) -> Numbered:
    answer = "answer" if after < 90 else "again"
    return Numbered(
        after,
        events.Resync(
            **WHERE, after=after, reason=reason, message_id=answer, content=said, reasoning=thought
        ),
    )


def test_what_was_seen_and_lost_with_its_process_is_taken_back() -> None:
    view = LogView(IDS, 5)

    assert list(shown(view, ROWS[:3])) == [
        resync(3, "taken_over", "Half", "Hm."),
        Numbered(90, continuing("resumed")),
        Numbered(91, start("again")),
        Numbered(92, said("Whole")),
    ]
    assert view.through == 92
    assert [*shown(view, ROWS[3:]), *view.end()] == [Numbered(93, ended("Whole", "Whole"))]


def test_a_reader_ahead_of_the_log_is_shown_nothing_until_the_log_is_further_or_the_run_over() -> None:
    view = LogView(IDS, 95)
    assert list(shown(view, ROWS)) == []

    assert list(view.end()) == [
        resync(92, "taken_over", "Whole", None),
        Numbered(93, ended("Whole", "Whole")),
    ]
    assert list(view.end()) == []
    assert view.through == 93


def test_who_has_seen_the_last_event_is_shown_nothing() -> None:
    view = LogView(IDS, 93)

    assert [*shown(view, ROWS), *view.end()] == []


def test_what_comes_as_it_happens_and_was_in_the_log_already_is_not_shown_again() -> None:
    view = LogView(IDS, 1)
    assert [sequence for sequence, _ in shown(view, ROWS[:2])] == [2, 3]

    assert view.show([Numbered(3, said("Half")), Numbered(4, said(" a word"))]) == [(4, said(" a word"))]
    assert view.show([Numbered(4, said(" a word")), Numbered(5, said("!"))]) == [(5, said("!"))]
    assert list(shown(view, [row_of([Numbered(4, said(" a word")), Numbered(5, said("!"))])])) == []


def test_what_was_seen_as_it_happened_and_never_written_is_taken_back() -> None:
    view = LogView(IDS)
    list(shown(view, ROWS[:2]))
    view.show([Numbered(4, said(" a word")), Numbered(5, said("!"))])

    assert next(shown(view, ROWS[2:])) == resync(3, "taken_over", "Half", "Hm.")


@pytest.mark.parametrize("after", [0, 50, 91])
def test_for_a_part_of_the_log_that_is_gone_stands_all_that_was_said(after: int) -> None:
    view = LogView(IDS, after)

    received = [*view.skip(92, "Whole", None, "again"), *shown(view, ROWS[3:]), *view.end()]

    assert received == [resync(92, "expired", "Whole", None), Numbered(93, ended("Whole", "Whole"))]


def test_who_saw_all_that_is_gone_needs_nothing_in_its_place() -> None:
    view = LogView(IDS, 92)

    received = [*view.skip(92, "Whole", "Hm.", "again"), *shown(view, ROWS[3:])]

    assert received == [Numbered(93, ended("Whole", "Whole", "Hm."))]


def test_a_run_that_tells_nothing_ends_without_a_word() -> None:
    assert list(LogView(IDS, 7).end()) == []
