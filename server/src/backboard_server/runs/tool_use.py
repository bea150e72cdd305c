"""The use of tools between two steps: which calls are the server's to execute, and what they returned."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from backboard_server.domain import events
from backboard_server.domain.events import Event
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import ToolCall
from backboard_server.domain.tokens import estimate_message_tokens
from backboard_server.domain.tools import ToolResult
from backboard_server.store.runs import StoredOutput
from backboard_server.tools import Toolbox

from .beginnings import where
from .draft import Draft

if TYPE_CHECKING:
    from .finish import OpenRun

_INTERRUPTED = (
    "The server was stopped while this tool was being executed, so nobody knows whether it was. It was not "
    "executed again."
)


class ToolUse(Struct, frozen=True, kw_only=True):
    """An answer that is stored, and its calls: the server's own, and those of others, which are to wait.

    If it `is_again`, a process was lost while they were under way.
    """

    answer_id: UUID
    draft: Draft
    own: tuple[ToolCall, ...]
    others: tuple[ToolCall, ...] = ()
    is_again: bool = False


async def executed(run: OpenRun, toolbox: Toolbox, use: ToolUse) -> list[StoredOutput]:
    """Execute the server's calls, all at once, and return what becomes a message of each."""
    results = await asyncio.gather(*(_result(run, toolbox, call, use) for call in use.own))
    return [_output(call, result) for call, result in zip(use.own, results, strict=True)]


def told_of(run: OpenRun, outputs: Sequence[StoredOutput]) -> Iterator[Event]:
    """Yield the events that tell of outputs."""
    for output in outputs:
        yield events.ToolResult(
            **where(run.ids),
            tool_call_id=output.tool_call_id,
            name=output.name or "",
            status="FAILED" if output.is_error else "COMPLETED",
            output=output.output,
        )


async def _result(run: OpenRun, toolbox: Toolbox, call: ToolCall, use: ToolUse) -> ToolResult:
    if use.is_again and not toolbox.is_repeatable(call.name):
        return ToolResult(output=_INTERRUPTED, is_error=True)
    return await toolbox.call(call, call_key=f"{run.run_id}:{call.id}")


def _output(call: ToolCall, result: ToolResult) -> StoredOutput:
    output = result.output.replace("\0", "\ufffd")
    return StoredOutput(
        message_id=new_id(),
        tool_call_id=call.id,
        name=call.name,
        output=output,
        is_error=result.is_error,
        tokens=estimate_message_tokens(output),
    )
