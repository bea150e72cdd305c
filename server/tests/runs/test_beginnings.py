"""How a run begins to tell: the same to the client who waits and to the log."""

from __future__ import annotations

from uuid import UUID

import pytest

from backboard_server.domain import events
from backboard_server.domain.messages import Attachment
from backboard_server.domain.prompts import ModelChoice
from backboard_server.runs.beginnings import Beginning, started, where
from backboard_server.runs.log import LogReader
from log_events import FILE, IDS, ODD, WHERE

CHOICE = ModelChoice("openai", "gpt-x")
RECEIVED = [
    events.MessageReceived(**WHERE),
    events.UserMessage(**WHERE, message_id="question", content=ODD, attachments=[FILE]),
]
QUEUED = events.RunQueued(**WHERE, message_id="answer")
STARTED = (
    events.RunStarted(**WHERE, message_id="answer", provider="openai", model_name="gpt-x"),
    events.MessageStart(**WHERE, message_id="answer"),
)


@pytest.fixture
def begins() -> Beginning:
    return Beginning(ODD, "question", "answer", [FILE])


def test_any_message_is_told_of_with_its_files(begins: Beginning) -> None:
    assert begins.received(IDS) == RECEIVED


def test_a_message_that_has_to_wait_is_told_of_with_the_answer_to_come(begins: Beginning) -> None:
    assert begins.queued(IDS) == [*RECEIVED, QUEUED]


def test_a_run_starts_with_its_model_and_the_id_of_its_answer() -> None:
    assert started(IDS, "answer", CHOICE) == STARTED


def test_the_log_of_a_run_begins_as_its_client_is_told(begins: Beginning) -> None:
    at_once, queued = begins.row(CHOICE), begins.queued_row()

    assert (at_once.first_sequence, at_once.last_sequence) == (1, 4)
    assert list(LogReader(IDS).read(at_once)) == list(enumerate([*RECEIVED, *STARTED], start=1))
    assert (queued.first_sequence, queued.last_sequence) == (1, 3)
    assert list(LogReader(IDS).read(queued)) == list(enumerate([*RECEIVED, QUEUED], start=1))


def test_a_message_without_a_text_is_told_of_by_its_files() -> None:
    file = Attachment(document_id=UUID(int=1), filename="a.png", status="pending", file_size_bytes=3)

    (_, told) = Beginning("", "question", "answer", [file]).received(IDS)

    assert told == events.UserMessage(**WHERE, message_id="question", content="", attachments=[file])


def test_every_event_says_where_it_belongs(begins: Beginning) -> None:
    assert where(IDS) == WHERE
    for event in [*begins.queued(IDS), *started(IDS, "answer", CHOICE)]:
        assert (event.thread_id, event.assistant_id, event.run_id) == ("thread", "assistant", "run")
