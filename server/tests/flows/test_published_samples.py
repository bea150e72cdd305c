"""The samples of the published client's page, run to the letter against our client and our server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

import docs
from fake_vendor import Answer, FakeVendor
from fake_vendor.script import CalledTool
from running_server import RunningServer, bare_environment

PAGE = docs.ROOT.parent / "shared" / "seeds" / "000_48818466b0350c86.txt"
KEY = "your_api_key_here"  # as the page has it

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the published page lies beside the repository")

IDS = """
import asyncio
from backboard import BackboardClient

client = BackboardClient(api_key="your_api_key_here")

async def prepare():
    global assistant_id, thread_id
    assistant_id = (await client.create_assistant(name="Before")).assistant_id
    thread_id = (await client.create_thread(assistant_id)).thread_id
"""


@pytest.fixture
async def vendor() -> AsyncGenerator[FakeVendor]:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="Of course I can help."))
        yield vendor


@pytest.fixture
async def server(tmp_path: Path, vendor: FakeVendor) -> AsyncGenerator[RunningServer]:
    environment = {
        "BACKBOARD_API_KEY": KEY,
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": vendor.base_url,
    }
    with RunningServer(tmp_path / "data", environment=environment) as server:
        yield server


def between(start: str, end: str) -> str:
    """Return the lines of the page after the line `start`, up to the line `end`."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = lines.index(start) + 1
    return "\n".join(lines[first : lines.index(end, first)])


def section(text: str, start: str, end: str) -> str:
    """Return what stands from `start` on, before `end`."""
    return start + text.partition(start)[2].partition(end)[0]


def as_coroutine(name: str, sample: str) -> str:
    """Put statements that await into a coroutine, as the page means them; what they make is global."""
    body = "\n".join(f"    {line}" for line in sample.splitlines())
    return f"async def {name}():\n    global assistant, thread\n{body}\n"


async def run(program: str, server: RunningServer) -> str:
    environment = bare_environment() | {"BACKBOARD_BASE_URL": f"{server.base_url}/api"}
    result = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        env=environment | {"HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


async def test_quick_start(server: RunningServer) -> None:
    shown = await run(between("Quick Start", "Features"), server)

    assert shown.count("Of course I can help.") == 2


async def test_assistants_and_threads(server: RunningServer) -> None:
    reference = between("API Reference", "Tool Integration (Simplified in v1.3.3)")
    assistants = section(reference, "# Create assistant", "# Delete assistant")
    threads = section(reference, "# Create thread", "# Delete thread")
    program = (
        IDS
        + "tool_definition = {'type': 'function', 'function': {'name': 'f'}}\n"
        + as_coroutine("manage_assistants", assistants)
        + as_coroutine("manage_threads", threads)
        + "async def main():\n    await prepare()\n"
        "    await manage_assistants()\n    await manage_threads()\n"
        + "asyncio.run(main())\nprint(assistant.name, thread.messages)\n"
    )

    assert await run(program, server) == "New Name []\n"


async def test_error_handling(server: RunningServer) -> None:
    sample = between("The SDK includes comprehensive error handling:", "Supported File Types")

    shown = await run(IDS + sample + "\nasyncio.run(demo_err())\n", server)

    assert shown.startswith(("Assistant not found", "Validation error"))


TOOLS = """
async def prepare_tools():
    global thread_id
    thread_id = (await client.create_thread(assistant.assistant_id)).thread_id
"""


async def test_tools(server: RunningServer, vendor: FakeVendor) -> None:
    # The sample executes a function of another name than the one that it defines: so does this model.
    called = CalledTool("get_current_weather", '{"location": "San Francisco"}', id="call_1")
    vendor.script(Answer(tool_calls=(called,)), Answer(text="It is sunny."))
    definitions = between("Tool Definitions", "Tool Call Handling")
    handling = between("Tool Call Handling", "Memory")
    program = (
        IDS
        + as_coroutine("define_tools", definitions)
        + TOOLS
        + as_coroutine("handle_calls", handling)
        + "async def main():\n    await define_tools()\n    await prepare_tools()\n    await handle_calls()\n"
        + "asyncio.run(main())\n"
    )

    assert await run(program, server) == "It is sunny.\n"
    output = vendor.requests[-1].body["messages"][-1]["content"]
    assert '"location": "San Francisco"' in output
