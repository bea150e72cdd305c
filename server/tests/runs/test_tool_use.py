"""Tools at work between two steps, and a run that is stopped meanwhile."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import pytest

from backboard_server.domain.events import RunCancelled
from backboard_server.domain.tools import McpServer
from backboard_server.runs.cancel import cancel
from backboard_server.settings import Settings
from fake_mcp import FakeMcp, FakeTool, Reply
from fake_vendor import Answer, FakeVendor, Fault
from fake_vendor.script import CalledTool
from replica import Replica
from tenants import Tenant
from waiting import wait_until

CALL = Answer(text="I look. ", tool_calls=(CalledTool("look", "{}", id="call_1"),))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of an operator who lets tenants name servers on this machine."""
    return settings.model_copy(update={"egress_allow": "127.0.0.1"})


@pytest.fixture
async def mcp() -> AsyncGenerator[FakeMcp]:
    async with FakeMcp(tools=(FakeTool("look"),)) as mcp:
        yield mcp


async def test_a_run_is_cancelled_while_its_tools_work_and_starts_nothing_more(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp
) -> None:
    vendor.script(CALL, Answer(text="Never asked."))
    mcp.script(Reply(fault="hang"))
    sent = await process.send(tenant, mcp_servers=[McpServer(name="eyes", url=mcp.url)])

    async def tool_works() -> bool:
        return len(mcp.calls) == 1

    await wait_until(tool_works)
    started = time.monotonic()
    status = await cancel(other.adapters, other.live, tenant.caller.tenant_id, sent.thread_id, sent.run_id)

    assert status == "CANCELLED"
    assert time.monotonic() - started < 1.5, "its own process ended it, and nobody had to take it over"
    assert isinstance(await sent.live.last_event(), RunCancelled)
    assert len(vendor.requests) == 1
    messages = (await process.thread(tenant, sent)).messages
    assert [(message.role, message.content, message.status) for message in messages] == [
        ("user", "Hi", "COMPLETED"),
        ("assistant", "I look. ", "COMPLETED"),
        ("assistant", "", "CANCELLED"),
    ]


async def test_a_run_that_fails_after_its_tools_keeps_their_results(
    process: Replica, tenant: Tenant, vendor: FakeVendor, mcp: FakeMcp
) -> None:
    vendor.script(CALL, Answer(fault=Fault.UNAUTHORIZED))
    mcp.script(Reply(text="A tree."))
    sent = await process.send(tenant, mcp_servers=[McpServer(name="eyes", url=mcp.url)])

    run = await process.wait_for_status(tenant, sent, "FAILED")

    assert run.error_code == "provider_rejected_key"
    messages = (await process.thread(tenant, sent)).messages
    assert [(message.role, message.status) for message in messages] == [
        ("user", "COMPLETED"), ("assistant", "COMPLETED"), ("tool", "COMPLETED"), ("assistant", "FAILED"),
    ]  # fmt: skip
