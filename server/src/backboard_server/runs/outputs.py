"""Outputs of the application's tools: handed in once, whole, and the run goes on."""

from __future__ import annotations

import time

from msgspec import Struct
from msgspec.structs import asdict, replace

from backboard_server.adapters import Adapters
from backboard_server.domain import events
from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import SubmitOutputs
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.runs import HeldRun
from backboard_server.domain.threads import Turn
from backboard_server.domain.tokens import estimate_message_tokens
from backboard_server.store.runs import ContinueTurn, StoredOutput, continue_turn
from backboard_server.store.turns import Repeated

from .beginnings import where
from .clock import Clock
from .finish import OpenRun
from .journal import LEASE_SECONDS
from .log import Numbered, RunLog, row_of
from .opening import QueuedRun, turn_limits


class AcceptedOutputs(Struct, frozen=True, kw_only=True):
    """Outputs that are stored, with the run that goes on; or what was made of them when they came before."""

    run: OpenRun | None = None
    epoch: int = 1
    continuing: events.RunContinuing | None = None
    repeated: Repeated | None = None


async def accept_outputs(adapters: Adapters, caller: Caller, request: SubmitOutputs) -> AcceptedOutputs:
    """Store outputs, all that the run waits for, and open its next step. One round trip.

    Raises NotFound for thread or run, Invalid for calls that are unknown or left out, and Conflict for a run
    that does not wait, for outputs that differ from those handed in before, and for a key that was used
    otherwise.
    """
    clock = Clock(began_at=time.monotonic())
    call_ids = [output.tool_call_id for output in request.outputs]
    nowhere = RunIds("", "", "")
    told = _continuing(nowhere, call_ids)
    answer_id = new_id()
    start = events.MessageStart(**where(nowhere), message_id=str(answer_id))
    row = row_of([Numbered(1, told), Numbered(2, start)])
    key = request.request_key
    continued = await continue_turn(
        adapters.database,
        caller.tenant_id,
        ContinueTurn(
            **asdict(turn_limits(adapters, None)),
            thread_id=request.thread_id,
            run_id=request.run_id,
            answer_id=answer_id,
            outputs=[_stored(request, place) for place in range(len(request.outputs))],
            options=request.options,
            key_id=caller.key_id,
            lease_seconds=LEASE_SECONDS,
            log={"count": row.last_sequence, "events": row.events},
            idempotency_key=key.key if key else None,
            fingerprint=key.fingerprint if key else None,
        ),
    )
    if continued.run is None or continued.turn is None:
        return AcceptedOutputs(repeated=continued.repeated)
    # What was chosen of tools was for the step before; what is chosen with the outputs is for the next one.
    options = replace(continued.run.options, tool_choice=request.options.tool_choice)
    held = replace(continued.run, options=options)
    # The conductor tells what the row has, with the same numbers: it is logged already.
    log = RunLog(held.logged_through, counts_from=held.logged_through - row.last_sequence)
    run = await _opened(adapters, caller, held, continued.turn, log, clock)
    return AcceptedOutputs(run=run, epoch=continued.run.epoch, continuing=_continuing(run.ids, call_ids))


async def _opened(
    adapters: Adapters, caller: Caller, held: HeldRun, turn: Turn, log: RunLog, clock: Clock
) -> OpenRun:
    begun = QueuedRun(
        caller=caller,
        run_id=held.run_id,
        answer_id=held.answer_id,
        question_id=held.question_id,
        ids=RunIds(str(turn.thread_id), str(turn.assistant_id), str(held.run_id)),
        choice=ModelChoice(held.model_provider, held.model_name),
        options=held.options,
        log=log,
        clock=clock,
        epoch=held.epoch,
    )
    return await begun.opened(adapters, turn)


def _continuing(ids: RunIds, call_ids: list[str]) -> events.RunContinuing:
    return events.RunContinuing(**where(ids), phase="tool_outputs", tool_call_ids=call_ids)


def _stored(request: SubmitOutputs, place: int) -> StoredOutput:
    output = request.outputs[place]
    return StoredOutput(
        message_id=new_id(),
        tool_call_id=output.tool_call_id,
        output=output.output,
        is_error=output.is_error,
        tokens=estimate_message_tokens(output.output),
    )
