"""Work that is done to its end although its task is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from backboard_server.runs.unbroken import unbroken


async def test_what_nobody_stops_gives_what_it_gives() -> None:
    assert await unbroken(asyncio.sleep(0, "done")) == ("done", False)


async def test_a_cancel_waits_for_the_end_and_is_told() -> None:
    gate = asyncio.Event()

    async def work() -> str:
        await gate.wait()
        return "done"

    task = asyncio.create_task(unbroken(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.set()

    assert await task == ("done", True)


async def test_a_failure_is_raised_although_the_task_was_cancelled() -> None:
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        raise ZeroDivisionError

    task = asyncio.create_task(unbroken(work()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    gate.set()

    with pytest.raises(ZeroDivisionError):
        await task
