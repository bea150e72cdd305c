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

from .texts import plain, shortened

CALL_SECONDS_MAX = 60.0
RESULT_CHARACTERS_MAX = 100_000

_log = logging.getLogger(__name__)

Call = Callable[[dict[str, Any], str], Awaitable[ToolResult]]
"""Executes a tool, given the arguments and the key of the call; it may raise, and it may take long."""


class ServerTool(Struct, frozen=True, kw_only=True):
    """A tool as it is offered: what the model is told of it (contract A.1), and what calling it does."""

    name: str
    definition: dict[str, Any]
    is_repeatable: bool
    call: Call


class FoundTool(Struct, frozen=True, kw_only=True):
    """A tool as its source has it, before it has a name among others; `parameters` is a JSON Schema."""

    source: str
    name: str
    description: str
    parameters: dict[str, Any]
    is_repeatable: bool
    call: Call

    def offered_as(self, name: str) -> ServerTool:
        """Return the tool as it is offered under a name."""
        function = {"name": name, "description": self.description, "parameters": self.parameters}
        return ServerTool(
            name=name,
            definition={"type": "function", "function": function},
            is_repeatable=self.is_repeatable,
            call=self.call,
        )


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

        `call_key` names the call for good, so that whoever executes it can tell that it did so before.
        """
        tool = self._tools.get(call.name)
        if tool is None:
            return _failure("There is no tool of this name.")
        try:
            arguments = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError):
            return _failure("The arguments are not a JSON object: send them again as one.")
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                result = await tool.call(arguments, call_key)
        except TimeoutError:
            return _failure(f"The tool did not answer within {CALL_SECONDS_MAX:g} seconds and was given up.")
        except BackboardError as error:
            return _failure(error.message)
        except Exception:  # noqa: BLE001 - a tool that fails in a way nobody foresaw must not end the run
            _log.exception("a tool of the server failed")
            return _failure("The tool failed inside the server.")
        return ToolResult(
            output=shortened(plain(result.output), RESULT_CHARACTERS_MAX), is_error=result.is_error
        )


def _failure(sentence: str) -> ToolResult:
    return ToolResult(output=sentence, is_error=True)
