"""Functions of the application as tools: calls of a model become calls of them, and results text."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import logging
from typing import Any, Callable, Mapping, NamedTuple, Optional, Sequence

from pydantic import TypeAdapter, ValidationError

from ._tool_schema import Arguments, argument_types, tool_name, tool_schema
from .events import Event
from .models.tools import ToolCall, ToolOutput

Listener = Optional[Callable[[Event], Any]]

_logger = logging.getLogger("backboard")
_anything: TypeAdapter[Any] = TypeAdapter(Any)


class _Tool(NamedTuple):
    function: Callable[..., Any]
    arguments: TypeAdapter[Arguments]
    definition: dict[str, Any]


class Toolbox:
    """Functions of a program without an event loop: called one after the other."""

    def __init__(self, functions: Sequence[Callable[..., Any]], listener: Listener) -> None:
        for function in (*functions, listener):
            if _is_async(function):
                raise TypeError(f"{function!r} is async, and this client is not: use BackboardClient.")
        self._tools = _tools(functions)
        self._listener = listener

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """The tools as a message takes them."""
        return [tool.definition for tool in self._tools.values()]

    def tell(self, event: Event) -> None:
        """Let the listener know what a stream says."""
        if self._listener is not None:
            self._listener(event)

    def call(self, calls: Sequence[ToolCall]) -> list[ToolOutput]:
        """Return the output of each call, in their order; what fails says so in its output."""
        return [_output(self._tools, call) for call in calls]


class AsyncToolbox:
    """Functions of a program with an event loop: called together, and those that are not async in threads."""

    def __init__(self, functions: Sequence[Callable[..., Any]], listener: Listener) -> None:
        self._tools = _tools(functions)
        self._listener = listener

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """The tools as a message takes them."""
        return [tool.definition for tool in self._tools.values()]

    async def tell(self, event: Event) -> None:
        """Let the listener know what a stream says, and wait for it where it is async."""
        if self._listener is not None:
            told = self._listener(event)
            if inspect.isawaitable(told):
                await told

    async def call(self, calls: Sequence[ToolCall]) -> list[ToolOutput]:
        """Return the output of each call, in their order; what fails says so in its output."""
        return await asyncio.gather(*[self._call(call) for call in calls])

    async def _call(self, call: ToolCall) -> ToolOutput:
        tool = self._tools.get(call.function.name)
        if tool is not None and _is_async(tool.function):
            return await _awaited_output(tool, call)
        variables = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            None, lambda: variables.run(_output, self._tools, call)
        )


def _tools(functions: Sequence[Callable[..., Any]]) -> dict[str, _Tool]:
    tools: dict[str, _Tool] = {}
    for function in functions:
        name = tool_name(function)
        if name in tools:
            raise ValueError(f"Two of the functions are called {name}: a model could not tell them apart.")
        tools[name] = _Tool(function, argument_types(function), tool_schema(function))
    return tools


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - it is not asked whether, but how it is called
    )


def _output(tools: Mapping[str, _Tool], call: ToolCall) -> ToolOutput:
    tool = tools.get(call.function.name)
    if tool is None:
        known = ", ".join(tools) or "none"
        return _error_output(call, f"There is no tool {call.function.name}; there is: {known}.")
    try:
        positional, named = _arguments(tool, call)
        return _text_output(call, tool.function(*positional, **named))
    except Exception as failure:  # noqa: BLE001 - whatever a tool raises is for the model to read
        return _failed_output(call, failure)


async def _awaited_output(tool: _Tool, call: ToolCall) -> ToolOutput:
    try:
        positional, named = _arguments(tool, call)
        return _text_output(call, await tool.function(*positional, **named))
    except Exception as failure:  # noqa: BLE001 - whatever a tool raises is for the model to read
        return _failed_output(call, failure)


def _arguments(tool: _Tool, call: ToolCall) -> Arguments:
    return tool.arguments.validate_json(call.function.arguments or "{}")


def _text_output(call: ToolCall, value: Any) -> ToolOutput:
    text = value if isinstance(value, str) else _anything.dump_json(value).decode()
    return ToolOutput(tool_call_id=call.id, output=text)


def _failed_output(call: ToolCall, failure: Exception) -> ToolOutput:
    if isinstance(failure, ValidationError):
        return _error_output(call, "; ".join(_problem(problem) for problem in failure.errors()))
    _logger.warning("The tool %s failed; the model is told so.", call.function.name, exc_info=failure)
    return _error_output(call, f"{type(failure).__name__}: {failure}")


def _problem(problem: Mapping[str, Any]) -> str:
    place = ".".join(str(step) for step in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])


def _error_output(call: ToolCall, text: str) -> ToolOutput:
    return ToolOutput(tool_call_id=call.id, output=json.dumps({"error": text}, ensure_ascii=False))
