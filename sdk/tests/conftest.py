"""What the SDK's tests share: the scripted server, and a client of either kind that is connected to it."""

from __future__ import annotations

from typing import Any, AsyncIterator, Callable, Iterator, cast

import pytest

from backboard import BackboardClient, Event, MessageStream, SyncBackboardClient

from .scripted_server import ScriptedServer

Connect = Callable[..., BackboardClient]


class AwaitedStream:
    """The sync stream in the shape of the async one."""

    def __init__(self, stream: MessageStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[Event]:
        for event in self._stream:
            yield event

    async def __aenter__(self) -> AwaitedStream:
        self._stream.__enter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        self._stream.__exit__(*raised)

    @property
    def run_id(self) -> str | None:
        return self._stream.run_id

    @property
    def last_event_id(self) -> str | None:
        return self._stream.last_event_id

    @property
    async def text(self) -> AsyncIterator[str]:
        for piece in self._stream.text:
            yield piece

    async def final(self) -> Event:
        return self._stream.final()

    async def aclose(self) -> None:
        self._stream.close()


class AwaitedClient:
    """The sync client in the shape of the async one, so that a test is written once and runs on both."""

    def __init__(self, **options: Any) -> None:
        self._client = SyncBackboardClient(**options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        async def call(*values: Any, **named: Any) -> Any:
            result = method(*values, **named)
            return AwaitedStream(result) if isinstance(result, MessageStream) else result

        return call

    async def aclose(self) -> None:
        self._client.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(params=["async", "sync"])
async def connect(request: pytest.FixtureRequest, server: ScriptedServer) -> AsyncIterator[Connect]:
    """Makes clients of the kind under test, and closes them."""
    kind: Any = BackboardClient if request.param == "async" else AwaitedClient
    clients: list[BackboardClient] = []

    def connect(**options: Any) -> BackboardClient:
        client = cast("BackboardClient", kind(**{"api_key": "espr_test", "base_url": server.url, **options}))
        clients.append(client)
        return client

    yield connect
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> BackboardClient:
    return connect()
