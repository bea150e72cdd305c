"""The fault programme: every way in which a vendor is known to fail, on every wire, streamed and not.

Through the retry loop of runs: what is raised or answered, how often the vendor was asked, what is kept of
the answer, and that neither a task nor a socket is left behind.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backboard_server.providers.table import WireName
from backboard_server.providers.wires import WIRES
from fake_vendor import FakeVendor, Fault
from fake_vendor.dialects import DIALECTS
from providers.faults import bodies, contents, deliveries, named, statuses, streams
from providers.faults.case import SILENT_AT_ONCE, Case
from providers.faults.rig import KEY, PARTNERS, outcome_of, providers_for

CASES = (
    *named.CASES,
    *statuses.CASES,
    *bodies.CASES,
    *streams.CASES,
    *contents.CASES,
    *deliveries.CASES,
)
CASES_MIN = 120
_DIALECTS = {dialect.name: dialect for dialect in DIALECTS}


def _runs() -> list[object]:
    return [
        pytest.param(wire, streamed, case, id=f"{wire}-{'streamed' if streamed else 'plain'}-{case.id}")
        for wire in WIRES
        for streamed in (True, False)
        for case in CASES
        if case.expected(wire, streamed=streamed) is not None
    ]


@pytest.mark.parametrize(("wire", "streamed", "case"), _runs())
async def test_a_fault_has_its_error_or_its_answer_its_attempts_and_leaves_nothing_behind(
    wire: WireName, streamed: bool, case: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if case.sse_only and _DIALECTS[wire].stream_content_type != "text/event-stream":
        pytest.skip(f"{wire} does not send server-sent events")
    expected = case.expected(wire, streamed=streamed)
    assert expected is not None
    before = asyncio.all_tasks()
    async with FakeVendor() as vendor:
        vendor.script(case.answer)
        async with providers_for(wire, vendor, case.timeouts) as providers:
            outcome = await outcome_of(
                providers, vendor, wire, tmp_path, streamed=streamed, budget=case.budget_seconds
            )
        if vendor.impossible:
            # The first dialect has them all, so that no mistake in a case can hide in skipped tests.
            assert wire != "openai_chat", vendor.impossible
            pytest.skip(vendor.impossible)
        async with asyncio.timeout(1):
            await vendor.wait_for_connections(0)

    expected.check(outcome)
    # Given up that early, a request may never leave a busy machine.
    assert outcome.seen == outcome.attempts or case.timeouts is SILENT_AT_ONCE
    assert asyncio.all_tasks() == before
    assert KEY not in caplog.text + (outcome.error.message if outcome.error else "")


def test_there_are_as_many_cases_as_were_promised_and_no_two_with_one_name() -> None:
    names = [case.id for case in CASES]

    assert len(names) >= CASES_MIN
    assert sorted(set(names)) == sorted(names)


def test_every_fault_with_a_name_is_a_case() -> None:
    assert set(Fault) <= {case.answer.fault for case in CASES if isinstance(case.answer.fault, Fault)}


def test_every_wire_has_a_partner_and_a_vendor_that_speaks_it() -> None:
    assert set(WIRES) <= set(PARTNERS)
    assert set(WIRES) <= set(_DIALECTS)
