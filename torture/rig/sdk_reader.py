"""A reader that is the SDK: it goes on by itself after each break, and notices nothing but a `resync`."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from backboard import BackboardClient
from backboard.exceptions import BackboardAPIError, BackboardRunError

from .events import Collected, Event
from .wire import Caller


class GaveUp(Exception):
    """The SDK has tried as often as it does."""


async def read_by_sdk(caller: Caller, content: str, cuts: Iterable[int]) -> Collected:
    """Send a message and read its answer through the SDK, whose connections are cut. Raises GaveUp."""
    left = iter(cuts)

    async def cut(request: httpx.Request) -> None:
        if (size := next(left, None)) is not None:
            request.headers["x-cut"] = str(size)

    collected = Collected()
    async with httpx.AsyncClient(event_hooks={"request": [cut]}) as http_client:
        client = BackboardClient(caller.key, f"http://127.0.0.1:{caller.port}/api", http_client=http_client)
        try:
            async with await client.send_message(content, stream=True) as stream:
                async for event in stream:
                    collected.take(Event(int(event.id or 0), dict(event)))
        except BackboardRunError as failed:
            # The failure itself is an event with a number, which is raised instead of being given.
            collected.take(Event(int(getattr(failed.event, "id", 0)), dict(failed.event)))
        except BackboardAPIError as error:
            raise GaveUp(str(error)) from error
    return collected
