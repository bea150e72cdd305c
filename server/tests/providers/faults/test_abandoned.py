"""Whoever stops listening closes the vendor's socket at once, whatever the vendor was doing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from backboard_server.domain.prompts import Delta
from backboard_server.providers import Providers
from backboard_server.providers.table import WireName
from backboard_server.providers.wires import WIRES
from fake_vendor import Answer, FakeVendor, Fault, Stop
from fake_vendor.script import AnyFault
from providers.faults.case import failing, failing_at_length
from providers.faults.rig import prompt_for, providers_for

CLOSED_WITHIN_SECONDS = 1.0

SILENT: dict[str, Answer] = {
    "before_the_head": failing(Fault.SILENCE),
    "after_the_head": failing(Fault.HANG_AFTER_HEADERS),
    "in_the_middle": failing_at_length(Stop(how="hang", after="text")),
    "between_words": Answer(text="one two three " * 100, chunks=1_000, chunk_delay_seconds=0.005),
}

wires = pytest.mark.parametrize("wire", WIRES)


async def _read(providers: Providers, wire: WireName, *, streamed: bool) -> list[Delta]:
    return [delta async for delta in providers.stream(prompt_for(wire), streamed=streamed)]


async def _read_and_tell(providers: Providers, wire: WireName, begun: asyncio.Event) -> None:
    async for _ in providers.stream(prompt_for(wire), streamed=True):
        begun.set()


@wires
@pytest.mark.parametrize("when", SILENT)
async def test_cancelling_closes_the_socket_of_a_stream(wire: WireName, when: str) -> None:
    before = asyncio.all_tasks()
    async with FakeVendor() as vendor:
        vendor.script(SILENT[when])
        begun = asyncio.Event()
        async with providers_for(wire, vendor) as providers:
            reading = asyncio.create_task(_read_and_tell(providers, wire, begun))
            async with asyncio.timeout(5):
                await (vendor.wait_for_requests(1) if when.endswith("head") else begun.wait())

            reading.cancel()

            async with asyncio.timeout(CLOSED_WITHIN_SECONDS):
                await vendor.wait_for_connections(0)
            with pytest.raises(asyncio.CancelledError):
                await reading

    assert asyncio.all_tasks() == before


@wires
@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.HANG_AFTER_HEADERS, Stop(how="hang", share=0.5)])
async def test_cancelling_closes_the_socket_of_a_plain_answer(wire: WireName, fault: AnyFault) -> None:
    before = asyncio.all_tasks()
    async with FakeVendor() as vendor:
        vendor.script(failing(fault))
        async with providers_for(wire, vendor) as providers:
            reading = asyncio.create_task(_read(providers, wire, streamed=False))
            async with asyncio.timeout(5):
                await vendor.wait_for_requests(1)

            reading.cancel()

            async with asyncio.timeout(CLOSED_WITHIN_SECONDS):
                await vendor.wait_for_connections(0)
            with pytest.raises(asyncio.CancelledError):
                await reading

    assert asyncio.all_tasks() == before


@wires
@pytest.mark.parametrize("how_many", [1, 2, 3])
async def test_closing_the_iterator_after_some_deltas_closes_the_socket(
    wire: WireName, how_many: int
) -> None:
    async with FakeVendor() as vendor:
        vendor.script(failing_at_length(Stop(how="hang", after="text")))
        async with providers_for(wire, vendor) as providers:
            async with aclosing(providers.stream(prompt_for(wire), streamed=True)) as deltas:
                for _ in range(how_many):
                    await anext(deltas)

            async with asyncio.timeout(CLOSED_WITHIN_SECONDS):
                await vendor.wait_for_connections(0)


@wires
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_connection_that_was_read_to_its_end_is_used_again(wire: WireName, streamed: bool) -> None:
    async with FakeVendor() as vendor:
        async with providers_for(wire, vendor) as providers:
            for _ in range(3):
                await _read(providers, wire, streamed=streamed)

        assert vendor.connections_made == 1


@wires
async def test_closing_the_providers_ends_what_still_says_goodbye(wire: WireName) -> None:
    before = asyncio.all_tasks()
    async with FakeVendor() as vendor:
        vendor.script(failing(Fault.NEVER_CLOSES))
        async with providers_for(wire, vendor) as providers:
            await _read(providers, wire, streamed=True)
        async with asyncio.timeout(CLOSED_WITHIN_SECONDS):
            await vendor.wait_for_connections(0)

    assert asyncio.all_tasks() == before
