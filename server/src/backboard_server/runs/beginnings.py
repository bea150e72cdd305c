"""How a run begins to tell: the events that are known before anything has happened. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from backboard_server.domain import events
from backboard_server.domain.events import Event, RunIds
from backboard_server.domain.messages import Attachment
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.runs import LogRow

from .log import Numbered, row_of

_NOWHERE = RunIds("", "", "")  # a row of the log has no ids


class Beginning(Struct, frozen=True):
    """A message as it is told of: its text and files, its id and that of the answer to come."""

    content: str
    message_id: str
    answer_id: str
    attachments: list[Attachment]

    def received(self, ids: RunIds) -> list[Event]:
        """Return what is told of any message."""
        return [
            events.MessageReceived(**where(ids)),
            events.UserMessage(
                **where(ids),
                message_id=self.message_id,
                content=self.content,
                attachments=self.attachments,
            ),
        ]

    def row(self, choice: ModelChoice, *, recalls: bool = False) -> LogRow:
        """Return how the log begins of a run that begins at once; one that recalls opens its answer later."""
        begun = started(_NOWHERE, self.answer_id, choice)
        return _row([*self.received(_NOWHERE), *(begun[:1] if recalls else begun)])

    def queued(self, ids: RunIds) -> list[Event]:
        """Return what is told of a message whose run has to wait."""
        return [*self.received(ids), events.RunQueued(**where(ids), message_id=self.answer_id)]

    def queued_row(self) -> LogRow:
        """Return how the log begins of a run that has to wait."""
        return _row(self.queued(_NOWHERE))


def started(ids: RunIds, answer_id: str, choice: ModelChoice) -> tuple[Event, Event]:
    """Return what is told when a model is about to be called."""
    return (
        events.RunStarted(
            **where(ids), message_id=answer_id, provider=choice.provider, model_name=choice.model
        ),
        events.MessageStart(**where(ids), message_id=answer_id),
    )


def where(ids: RunIds) -> dict[str, Any]:
    """Return the fields that say where an event belongs."""
    return {"thread_id": ids.thread_id, "assistant_id": ids.assistant_id, "run_id": ids.run_id}


def _row(told: Sequence[Event]) -> LogRow:
    return row_of([Numbered(place, event) for place, event in enumerate(told, start=1)])
