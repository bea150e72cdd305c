"""Tools: what a model may call, what it called, and what came of it."""

import json
from typing import Any, Dict, List, Optional, Union, cast

from pydantic import Field

from backboard.exceptions import BackboardResponseError

from ._record import Record


class ToolParameterProperties(Record):
    """The JSON Schema of one parameter; keywords that are not named here are kept."""

    type: Optional[Union[str, List[str]]] = None
    description: Optional[str] = None
    enum: Optional[List[Any]] = None
    properties: Optional[Dict[str, Any]] = None
    items: Any = None


class ToolParameters(Record):
    """The JSON Schema of a function's parameters."""

    type: str = "object"
    properties: Dict[str, ToolParameterProperties] = Field(default_factory=dict)
    required: Optional[List[str]] = None


class FunctionDefinition(Record):
    """A function that a model may call."""

    name: str
    description: Optional[str] = None
    parameters: ToolParameters = Field(default_factory=ToolParameters)


class ToolDefinition(Record):
    """A tool that an assistant offers to its model; a plain dict of the same shape does as well."""

    type: str = "function"
    function: Optional[FunctionDefinition] = None


class ToolCallFunction(Record):
    """The function that a model wants called; `arguments` is JSON text as the model wrote it."""

    name: str
    arguments: str

    @property
    def parsed_arguments(self) -> Dict[str, Any]:
        """The arguments by name. Raises BackboardResponseError where the model wrote something else."""
        try:
            arguments: Any = json.loads(self.arguments or "{}")
        except ValueError as failure:
            raise BackboardResponseError(
                f"The arguments of {self.name} are not JSON: {self.arguments}", body=self.arguments
            ) from failure
        if not isinstance(arguments, dict):
            raise BackboardResponseError(
                f"The arguments of {self.name} are not an object: {self.arguments}", body=self.arguments
            )
        return cast("Dict[str, Any]", arguments)


class ToolCall(Record):
    """A model's wish to have a function called; its output is submitted under `id`."""

    id: str
    type: str = "function"
    function: ToolCallFunction


class ToolOutput(Record):
    """What a function returned, as text; a plain dict of the same shape does as well."""

    tool_call_id: str
    output: str
