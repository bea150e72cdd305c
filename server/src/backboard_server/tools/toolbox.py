"""The toolbox of a run: the server's own tools under the names that the model knows, called within bounds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from backboard_server.domain.errors import BackboardError
from backboard_server.domain.prompts import ToolCall
from backboard_server.domain.tools import ToolResult

CALL_SECONDS_MAX = 60.0
RESULT_CHARACTERS_MAX = 100_000

_log = logging.getLogger(__name__)


class ServerTool(Struct, frozen=True, kw_only=True):
    """A tool that the server executes: as the model is told of it, and what calling it does.

    `call` takes the arguments and the key of the call. It may raise; it may take long.
    """

    name: str
    definition: dict[str, Any]
    is_repeatable: bool
    call: Callable[[dict[str, Any], str], Awaitable[ToolResult]]


class Toolbox:
    """The tools that the server executes in one run."""

    def __init__(self, tools: Sequence[ServerTool], problems: Sequence[str] = ()) -> None:
        """`problems` says in a sentence each what could not be had; the run goes on without it."""
        self.definitions = tuple(tool.definition for tool in tools)
        self.problems = tuple(problems)
        self._tools = {tool.name: tool for tool in tools}

    def has(self, name: str) -> bool:
        """Whether the server executes the tool of this name."""
        return name in self._tools

    def is_repeatable(self, name: str) -> bool:
        """Whether a call that may have been executed before a crash may be executed once more."""
        return name in self._tools and self._tools[name].is_repeatable

    async def call(self, call: ToolCall, *, call_key: str) -> ToolResult:
        """Execute a call of a model; whatever goes wrong is a result. Raises nothing but CancelledError.

        `call_key` names the call for good, so that a server can tell that it has executed it before.
        """
        tool = self._tools.get(call.name)
        if tool is None:
            return _failure(f"There is no tool named {call.name[:64]}.")
        try:
            arguments = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
        except msgspec.MsgspecError:
            return _failure("The arguments are not a JSON object: send them again as one.")
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                return _bounded(await tool.call(arguments, call_key))
        except TimeoutError:
            return _failure(f"The tool took longer than {CALL_SECONDS_MAX:g} s and was given up.")
        except BackboardError as error:
            return _failure(error.message)
        except Exception:  # noqa: BLE001 - a tool that fails in a way nobody foresaw must not end the run
            _log.exception("the tool %s failed", call.name)
            return _failure("The tool failed inside the server.")


def _bounded(result: ToolResult) -> ToolResult:
    output = result.output
    if len(output) <= RESULT_CHARACTERS_MAX:
        return result
    note = f"\n[cut here: {len(output):,} characters, of which the first {RESULT_CHARACTERS_MAX:,} are shown]"
    return ToolResult(
        output=output[: RESULT_CHARACTERS_MAX - len(note)] + note,
        is_error=result.is_error,
    )


def _failure(sentence: str) -> ToolResult:
    return ToolResult(output=sentence, is_error=True)
