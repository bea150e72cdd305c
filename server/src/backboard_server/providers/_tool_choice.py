"""The choice of tools, made to fit: what a vendor would refuse becomes the next best that it takes. Pure.

An answer without the call that was wanted is worth more than a refusal, so a model that cannot be forced is
left to choose. Who takes what, and where that is said, stands beside the models: `_claude`, `customs` of chat
completions, `families` of Bedrock.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec.structs import replace

from backboard_server.domain.prompts import Prompt, ToolChoice

Forcing = Literal[
    "named",  # to call the one function that is named
    "any",  # to call one of the tools, whichever it likes
    "never",  # not at all, or not as it is asked to think
]

_FORCED = ("required", "function")
_ANY = ToolChoice("required")
# "Thinking mode does not support this tool_choice" (DeepSeek), "tool_choice 'required' is incompatible with
# thinking enabled" (Kimi), "Thinking may not be enabled when tool_choice forces tool use" (Anthropic), "This
# model doesn't support the toolConfig.toolChoice.any field" (Bedrock), "Function calling config is set …".
_WORDS = re.compile(r"tool[ _-]?choice|forced? (tool|function)|function[ _]?calling[ _]?(config|mode)")


def is_forced(prompt: Prompt) -> bool:
    """Whether the model is to call a tool, like it or not."""
    return bool(prompt.tools) and prompt.tool_choice is not None and prompt.tool_choice.mode in _FORCED


def settled(prompt: Prompt, forcing: Forcing = "named", *, takes_none: bool = True) -> Prompt:
    """Return the prompt with the choice that is sent, which is None where the model is left to choose.

    `forcing` is what the model can be made to do. Where it has no word for `none`, the tools are left out.
    A function that is not among the tools cannot be called: vendors refuse its name.
    """
    choice = prompt.tool_choice
    if choice is None:
        return prompt
    if choice.mode == "none" and not takes_none:
        return replace(prompt, tools=(), tool_choice=None)
    return replace(prompt, tool_choice=_sent(choice, forcing) if _is_possible(choice, prompt) else None)


def unforced(prompt: Prompt, said: str) -> Prompt | None:
    """Return the prompt without its choice if that is what a refusal speaks of, else None.

    Of most hosts nobody has written down what they take.
    """
    choice = settled(prompt).tool_choice
    if choice is None or not _WORDS.search(said.lower()):
        return None
    return settled(prompt, "never", takes_none=False)


def _is_possible(choice: ToolChoice, prompt: Prompt) -> bool:
    if choice.mode == "function":
        return any(_name_of(tool) == choice.name for tool in prompt.tools)
    return bool(prompt.tools)


def _name_of(tool: dict[str, Any]) -> str | None:
    function: dict[str, Any] = tool.get("function") or {}
    return function.get("name")


def _sent(choice: ToolChoice, forcing: Forcing) -> ToolChoice | None:
    match choice.mode:
        case "auto":
            return None
        case "none":
            return choice
        case "required" | "function" if forcing == "never":
            return None
        case "function" if forcing == "any":
            return _ANY
        case "required" | "function":
            return choice
