"""Deliveries: the faults below the protocol: how the bytes of a response arrive, or what comes first."""

from __future__ import annotations

from .script import AnyFault, Crumbs, Preface
from .steps import Cut, Hang, Pause, Step, Steps


def delivered(fault: AnyFault | None, steps: Steps) -> Steps:
    """Yield the steps of a healthy response as its fault delivers them."""
    match fault:
        case Crumbs(size=size):
            return _crumbs(steps, size)
        case Preface():
            return _prefaced(fault, steps)
        case _:
            return steps


def _crumbs(steps: Steps, size: int) -> Steps:
    for step in steps:
        if not isinstance(step, bytes):
            yield step
            continue
        for at in range(0, len(step), size):
            yield step[at : at + size]
            yield Pause(0)  # the loop sends what there is before it goes on


def _prefaced(preface: Preface, steps: Steps) -> Steps:
    yield preface.raw
    if preface.then == "answer":
        yield from steps
    else:
        end: Step = Hang() if preface.then == "hang" else Cut()
        yield end
