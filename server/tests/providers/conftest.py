"""What the tests of providers share: the port on a vendor that listens, and prompts to send to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage
from backboard_server.providers import Providers
from fake_vendor import FakeVendor

KEY = "sk-a-key-that-must-not-be-seen"


@pytest.fixture
async def providers(vendor: FakeVendor) -> AsyncGenerator[Providers]:
    """OpenAI, played by the fake vendor, with the patience of production."""
    providers = Providers({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": vendor.base_url})
    yield providers
    await providers.aclose()


@pytest.fixture
def prompt() -> Prompt:
    return Prompt(choice=ModelChoice("openai", "gpt-4o"), messages=(PromptMessage("user", "Good morning."),))


@pytest.fixture
async def serve_bytes() -> AsyncGenerator[Callable[[bytes], Awaitable[str]]]:
    """Start servers that send the same bytes to whoever connects and then wait; gives their address."""
    servers: list[asyncio.Server] = []
    serving: set[asyncio.Task[None]] = set()

    async def start(content: bytes) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(content)
            await reader.read()
            writer.close()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.add(asyncio.create_task(serve(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()
    await asyncio.gather(*serving)
