"""A case: how the vendor fails, and what comes of it in each mode and, where they differ, on each wire."""

from __future__ import annotations

from msgspec import Struct

from backboard_server.providers import EgressTimeouts
from backboard_server.providers.table import WireName
from fake_vendor import Answer, CalledTool, Tokens
from fake_vendor.script import AnyFault
from providers.faults.expected import TEXT, Expected

PATIENT = EgressTimeouts()
# The first byte may take its time on a busy machine; what is to be waited for in vain is the one after it.
SILENT_LATER = EgressTimeouts(between_chunks_seconds=0.03)
SILENT_AT_ONCE = EgressTimeouts(first_byte_seconds=0.03, whole_answer_seconds=0.03)


THOUGHT = "Let me think."
CALLS = (CalledTool("look_up", '{"city": "Paris"}', "call_a"),)


class Case(Struct, frozen=True, kw_only=True):
    """One row of the programme.

    `streamed` and `plain` are what is expected in each mode, None where the fault is of the other mode alone;
    `on` holds what is expected of one wire instead, streamed, and `always_on` in either mode. `sse_only` is a
    fault of server-sent events.
    """

    id: str
    answer: Answer
    streamed: Expected | None
    plain: Expected | None
    on: dict[WireName, Expected] = {}
    always_on: dict[WireName, Expected] = {}
    timeouts: EgressTimeouts = PATIENT
    budget_seconds: float = 5.0
    sse_only: bool = False

    def expected(self, wire: WireName, *, streamed: bool) -> Expected | None:
        """Return what is expected, or None where there is no such fault."""
        if wire in self.always_on:
            return self.always_on[wire]
        return self.on.get(wire, self.streamed) if streamed else self.plain


def failing(fault: AnyFault) -> Answer:
    """Return an answer of some words that fails."""
    return Answer(text=TEXT, fault=fault)


def failing_at_length(fault: AnyFault) -> Answer:
    """Return an answer of every kind of part that fails: thoughts, words, a call, and counts."""
    return Answer(
        text=TEXT, reasoning=THOUGHT, tool_calls=CALLS, usage=Tokens(prompt=12, completion=9), fault=fault
    )
