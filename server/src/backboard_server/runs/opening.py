"""Opening a run: from what was asked, and what the store knows, to all that a model is to be called with."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Invalid
from backboard_server.domain.events import RunIds
from backboard_server.domain.keys import Caller, Secret
from backboard_server.domain.messages import Attachment, RunOptions, SendMessage
from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.threads import HistoryMessage, Turn
from backboard_server.store.turns import StoredFile, TurnLimits

from .clock import Clock
from .context import SHOWN_FILES_MAX, assemble, fitting, history_budget
from .finish import OpenRun
from .log import RunLog

_log = logging.getLogger(__name__)


class QueuedRun(Struct, frozen=True, kw_only=True):
    """A run whose turn has not been read: it waits for another one, or has just been taken.

    Without `fallbacks` they are those of the options, or else the assistant's. `question_id` is the message
    to answer.
    """

    caller: Caller
    run_id: UUID
    answer_id: UUID
    question_id: UUID | None = None
    ids: RunIds
    choice: ModelChoice
    fallbacks: tuple[ModelChoice, ...] | None = None
    options: RunOptions = RunOptions()
    attachments: list[Attachment] = []
    log: RunLog
    clock: Clock = Clock()
    epoch: int = 1

    async def opened(
        self,
        adapters: Adapters,
        turn: Turn,
        *,
        message: SendMessage | None = None,
        files: Sequence[StoredFile] = (),
    ) -> OpenRun:
        """Return the run with its turn.

        A `message` is new; without one all that was said is in the history.
        """
        keys = adapters.sealer.keys_of(self.caller.tenant_id, self.caller.provider_keys)
        fallbacks = self.fallbacks
        if fallbacks is None:
            wished = turn.fallbacks if self.options.fallbacks is None else self.options.fallbacks
            fallbacks = await _still_possible(adapters, wished, keys)
        if message is None:
            turn = self._fitted(turn, turn_limits(adapters, adapters.models.facts(self.choice)))
        interrupted = _interrupted(turn) if message is None else None
        if interrupted is not None:  # it is shown once its tools have returned
            turn = replace(turn, history=turn.history[:-1])
        servers = turn.mcp_servers if self.options.mcp_servers is None else self.options.mcp_servers
        return OpenRun(
            caller=self.caller,
            run_id=self.run_id,
            answer_id=self.answer_id,
            question_id=self.question_id,
            ids=RunIds(str(turn.thread_id), str(turn.assistant_id), self.ids.run_id),
            turn=turn,
            choice=self.choice,
            fallbacks=fallbacks,
            context=assemble(turn, message or self.options, self.choice, files, keys, self.question_id),
            attachments=self.attachments,
            mcp_servers=tuple(servers or ()),
            options=self.options,
            log=self.log,
            clock=self.clock,
            epoch=self.epoch,
            interrupted=interrupted,
        )

    def _fitted(self, turn: Turn, limits: TurnLimits) -> Turn:
        """Return the turn without the oldest messages that its model has no room for; the run's own all stay.

        The store knows no models: a turn that was read before it was known which one goes on may be too long.
        """
        room = limits.history_tokens_max / turn.token_ratio - turn.summary_tokens
        history = fitting(turn.history, self.question_id, room)
        left_out = len(turn.history) - len(history)
        return replace(turn, history=history, earlier_messages=turn.earlier_messages + left_out)


def turn_limits(adapters: Adapters, facts: Facts | None) -> TurnLimits:
    """Return how much of a thread is read for a model of which this is known.

    Without `facts` it is as much as the operator allows: which model it is comes with what is read.
    """
    tokens_max = adapters.limits.history_tokens_max
    return TurnLimits(
        history_tokens_max=history_budget(facts.context_limit, tokens_max) if facts else tokens_max,
        history_messages_max=adapters.limits.history_messages_max,
        media_max=SHOWN_FILES_MAX,
    )


def _interrupted(turn: Turn) -> HistoryMessage | None:
    """Return the answer at the end of the history whose calls have no output: their tools were at work."""
    last = turn.history[-1] if turn.history else None
    return last if last is not None and last.role == "assistant" and last.tool_calls else None


async def _still_possible(
    adapters: Adapters, wished: list[ModelChoice] | None, keys: Mapping[str, Secret]
) -> tuple[ModelChoice, ...]:
    """Return the fallbacks without those that lost their key: the message is stored by now."""
    possible: list[ModelChoice] = []
    for wish in wished or ():
        try:
            possible.append(await adapters.models.choose(wish.provider, wish.model, keys))
        except Invalid as error:
            _log.warning("a fallback is left out: %s", error.message)
    return tuple(possible)
