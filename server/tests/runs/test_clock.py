"""How long the phases of a step took."""

from __future__ import annotations

from backboard_server.domain.events import RunIds
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.receipts import Timings
from backboard_server.runs.clock import Clock, timings
from backboard_server.runs.draft import Draft


def draft(asked_at: float | None = None, first_delta_at: float | None = None) -> Draft:
    draft = Draft(RunIds("t", "a", "r"), ModelChoice("openai", "gpt-x"))
    draft.asked_at, draft.first_delta_at = asked_at, first_delta_at
    return draft


def test_a_step_is_opened_waited_for_and_written() -> None:
    assert timings(Clock(began_at=10.0), draft(10.5, 11.5), 14.5) == Timings(
        opened=0.5, first_token=1.0, generation=3.0, total=4.5
    )


def test_what_a_run_waited_for_others_is_told_apart() -> None:
    clock = Clock(began_at=10.0).after_queue(17.0)

    assert timings(clock, draft(17.25, 18.0), 19.0) == Timings(
        queued=7.0, opened=0.25, first_token=0.75, generation=1.0, total=2.0
    )


def test_a_later_step_begins_with_its_tools() -> None:
    clock = Clock(began_at=10.0, is_after_tools=True)

    assert timings(clock, draft(12.0, 12.5), 13.0) == Timings(
        tools=2.0, first_token=0.5, generation=0.5, total=3.0
    )


def test_a_model_that_never_spoke_has_no_time_of_its_own() -> None:
    assert timings(Clock(began_at=1.0), draft(asked_at=1.5), 9.0) == Timings(opened=0.5, total=8.0)
    assert timings(Clock(began_at=1.0), draft(), 1.25) == Timings(opened=0.25, total=0.25)


def test_a_step_that_nobody_saw_begin_has_only_what_is_known() -> None:
    assert timings(Clock(), draft(2.0, 3.0), 4.0) == Timings(first_token=1.0, generation=1.0)
