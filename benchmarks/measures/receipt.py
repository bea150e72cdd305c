"""What a receipt costs the process that gives the answer: made, encoded, and added to what is stored."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Literal

from rig.conversations import ANSWER, HISTORY_MESSAGES, QUESTION, seed_lanes
from rig.figures import Figure, medians, of_rounds
from rig.load import drive
from rig.processes import Server, Vendor, cpu_seconds, data_folder, serving, vendor

from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.models import Facts, Price
from backboard_server.domain.prompts import Finish, ModelChoice, TextDelta, Usage
from backboard_server.domain.runs import Attempt
from backboard_server.domain.threads import HistoryMessage, Turn
from backboard_server.runs.clock import Clock
from backboard_server.runs.context import assemble
from backboard_server.runs.draft import Draft
from backboard_server.runs.finish import OpenRun
from backboard_server.runs.receipt import receipt_of
from backboard_server.store.turns import FinishTurn

_ROUNDS = 5
_RECEIPTS = 5_000
_LANES = 16
_THREADS = 3  # by eleven messages each
_MICROSECONDS = 1_000_000
_PERCENT = 100

_CHOICE = ModelChoice("openai", "gpt-x")
_PRICE = Price(input=3.0, output=15.0, cached_input=0.3, source="models.dev")
_FACTS = Facts(context_limit=128_000, price=_PRICE)


async def measure() -> list[Figure]:
    """Make the receipt of an ordinary turn (a system prompt, two tools, 20 messages), and take such turns."""
    turn = _turn()
    with vendor() as far_end, data_folder() as folder, serving(folder, far_end.base_url) as server:
        rounds = [{"receipt_us": _cost(*turn)} | await _round(server, far_end) for _ in range(_ROUNDS)]
    return [
        Figure(
            name=f"CPU per receipt, {HISTORY_MESSAGES} messages of history",
            unit="µs",
            target=40.0,
            samples=of_rounds(rounds, lambda parts: parts["receipt_us"]),
        ),
        Figure(
            name="of the CPU of a turn, for its receipt",
            unit="%",
            target=5.0,
            samples=of_rounds(rounds, lambda parts: _PERCENT * parts["receipt_us"] / parts["turn_us"]),
            parts=medians(rounds, "turn_us"),
        ),
    ]


async def _round(server: Server, far_end: Vendor) -> dict[str, float]:
    far_end.script(text=ANSWER)
    lanes = await seed_lanes(server, lanes=_LANES, threads=_THREADS)
    before = cpu_seconds(server.web)
    load = await drive(server.base_url, lanes)
    return {"turn_us": _MICROSECONDS * (cpu_seconds(server.web) - before) / len(load.answers)}


def _cost(run: OpenRun, draft: Draft, outcome: FinishTurn) -> float:
    before = time.process_time()
    for _ in range(_RECEIPTS):
        receipt_of(run, draft, outcome, _FACTS, 3.0).joined_to(outcome)
    return _MICROSECONDS * (time.process_time() - before) / _RECEIPTS


def _turn() -> tuple[OpenRun, Draft, FinishTurn]:
    said: list[Literal["user", "assistant"]] = ["user", "assistant"]
    history = [
        HistoryMessage(id=new_id(), role=said[place % 2], content=ANSWER, status="COMPLETED", tokens=60)
        for place in range(HISTORY_MESSAGES)
    ]
    turn = Turn(
        thread_id=new_id(),
        assistant_id=new_id(),
        system_prompt="You are helpful. " * 40,
        tools=[_tool("get_weather"), _tool("find_train")],
        history=history,
        unsummarised_messages=HISTORY_MESSAGES,
    )
    question_id = new_id()
    run = OpenRun(
        caller=Caller(new_id(), new_id()),
        run_id=new_id(),
        answer_id=new_id(),
        question_id=question_id,
        ids=RunIds(str(turn.thread_id), str(turn.assistant_id), "r"),
        turn=turn,
        choice=_CHOICE,
        context=assemble(turn, SendMessage(content=QUESTION), _CHOICE, question_id=question_id),
        clock=Clock(began_at=0.0),
    )
    draft = Draft(run.ids, _CHOICE)
    for delta in (TextDelta(ANSWER), Finish("stop", Usage(1_300, 60, 1_024))):
        for _ in draft.add(delta):
            continue
    draft.attempts.append(Attempt(model_provider="openai", model_name="gpt-x"))
    draft.shown, draft.asked_at, draft.first_delta_at = run.context.prompt, 1.0, 2.0
    return run, draft, _outcome(run, draft)


def _outcome(run: OpenRun, draft: Draft) -> FinishTurn:
    return FinishTurn(
        thread_id=run.turn.thread_id,
        run_id=run.run_id,
        answer_id=run.answer_id,
        assistant_id=run.turn.assistant_id,
        key_id=run.caller.key_id,
        status="COMPLETED",
        content=draft.content,
        tokens=60,
        model_provider=_CHOICE.provider,
        model_name=_CHOICE.model,
        usage=draft.usage or Usage(),
        cost_usd=0.002,
        price_source="models.dev",
        created_at=datetime.now(UTC),
    )


def _tool(name: str) -> dict[str, Any]:
    city = {"type": "string", "description": "The name of a city, as its inhabitants write it."}
    parameters = {"type": "object", "properties": {"city": city, "day": {"type": "string"}}}
    function = {"name": name, "description": "Answers for a city and a day.", "parameters": parameters}
    return {"type": "function", "function": function}
