"""What hosts of chat completions refuse: OpenAI's sentences, and those of hosts that demand more.

Which host is played is told by the model's name, as real hosts differ in what they serve. OpenAI's refusals
of histories are quoted as users report them (agno-agi/agno issue 3105, aliasrobotics/cai issue 111).
Mistral's are those of its validator (mistralai/mistral-common, protocol/instruct/validator.py), quoted as in
charmbracelet/crush issue 279, nearai/ironclaw issue 1241 and avante-corp/avante.nvim pull request 2695; it
knows no field beside those of docs.mistral.ai/api. DeepSeek's and Kimi's are those of
api-docs.deepseek.com/guides/thinking_mode and QuantumNous/new-api issue 3121; an empty thought is none to
them (NousResearch/hermes-agent pull request 18263, charmbracelet/crush issue 2696). Who cannot be forced to
call a tool: deepseek-ai/DeepSeek-V3 issue 1376, UKGovernmentBEIS/inspect_ai pull request 5152, docs.z.ai.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

import msgspec

from fake_vendor.terms import Json

from .openai_terms import choice_refusals

_MISTRALS = re.compile(r"(open-)?(mi|mini|ma|dev|code)stral|pixtral|(open-)?mixtral")
_RESTS_BESIDE_TOOLS = re.compile(r"gpt-5\.[2-9]|gpt-[6-9]")
_MISTRALS_ID = re.compile("[a-zA-Z0-9]{9}")
_MAY_FOLLOW = {
    "system": {"user", "assistant", "system"},
    "user": {"assistant", "system", "user"},
    "assistant": {"assistant", "user", "tool"},
    "tool": {"assistant", "tool"},
}
_MISTRALS_FIELDS = frozenset(
    {
        *("model", "messages", "stream", "tools", "tool_choice", "response_format", "temperature", "top_p"),
        *("max_tokens", "stop", "random_seed", "presence_penalty", "frequency_penalty", "n", "prediction"),
        *("parallel_tool_calls", "reasoning_effort", "prompt_mode", "safe_prompt", "metadata"),
    }
)
_MISTRALS_MESSAGE_FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id", "name", "prefix"})


def text_of_message(message: Json) -> str:
    """Return the text of a message whose content may be a list of parts."""
    content: Any = message.get("content")
    if isinstance(content, str):
        return content
    parts = cast("list[Json]", content or [])
    return " ".join(str(part["text"]) for part in parts if part.get("type") == "text")


def refusal_of(model: str, body: Json) -> str | None:
    """Return the first sentence of refusal that a request earns at the host of this model, or None."""
    refusal = (
        _unanswered_call(body["messages"])
        or _no_word_of_json(body)
        or _thought_beside_tools(model, body)
        or next(choice_refusals(body.get("tool_choice"), body.get("tools") or [], is_flat=False), None)
        or _force(_name_of(model), body)
    )
    if refusal:
        return refusal
    if is_mistrals(model):
        return mistrals_refusal(body)
    name = _name_of(model)
    if not name.startswith("gpt-") and (refusal := _unreadable_arguments(body["messages"])):
        return refusal
    if name.startswith(("deepseek-reasoner", "deepseek-v4")):
        return deepseeks_refusal(body)
    return kimis_refusal(body) if name.startswith(("kimi-k2.", "kimi-k2-thinking")) else None


def is_mistrals(model: str) -> bool:
    """Whether a model is one of Mistral's, and its host therefore Mistral."""
    return bool(_MISTRALS.match(_name_of(model)))


def _name_of(model: str) -> str:
    return model.rpartition("/")[2].lower()


def mistrals_refusal(body: Json) -> str | None:
    """Return why Mistral would refuse a request, or None."""
    return next(_mistrals_refusals(body), None)


def _mistrals_refusals(body: Json) -> Iterator[str]:
    messages: list[Json] = body["messages"]
    yield from _extra("body", body, _MISTRALS_FIELDS)
    for at, message in enumerate(messages):
        yield from _extra(f"messages.{at}", message, _MISTRALS_MESSAGE_FIELDS)
        calls: list[Json] = message.get("tool_calls") or []
        if message["role"] == "assistant" and not (message.get("content") or calls):
            yield "Assistant message must have either content or tool_calls, but not none."
        ids = [call["id"] for call in calls] + (
            [message["tool_call_id"]] if "tool_call_id" in message else []
        )
        for call_id in ids:
            if not _MISTRALS_ID.fullmatch(call_id):
                yield f"Tool call id was {call_id} but must be a-z, A-Z, 0-9, with a length of 9."
    roles = [message["role"] for message in messages]
    for previous, role in pairwise(roles):
        if role not in _MAY_FOLLOW[previous]:
            yield f"Unexpected role '{role}' after role '{previous}'"
    if len(roles) > 1 and roles[-1] not in ("user", "tool"):
        expected = "Expected last role User or Tool (or Assistant with prefix True)"
        yield f"{expected} for serving but got {roles[-1]}"


def _extra(place: str, given: Json, known: frozenset[str]) -> Iterator[str]:
    for name in sorted(given.keys() - known):
        yield f"{place}.{name}: Extra inputs are not permitted (extra_forbidden)"


def deepseeks_refusal(body: Json) -> str | None:
    """Return why DeepSeek would refuse a request: in a turn of tools, every answer has its thought."""
    if _is_thinking_off(body):
        return None
    is_turn_of_tools = False
    for message in body["messages"]:
        if message["role"] == "user":
            is_turn_of_tools = False
        elif message["role"] == "assistant":
            is_turn_of_tools |= bool(message.get("tool_calls"))
            if is_turn_of_tools and not message.get("reasoning_content"):
                return "The `reasoning_content` in the thinking mode must be passed back to the API."
    return None


def kimis_refusal(body: Json) -> str | None:
    """Return why Kimi would refuse a request: an answer that called a tool has its thought."""
    if _is_thinking_off(body):
        return None
    for at, message in enumerate(body["messages"]):
        if message.get("tool_calls") and not message.get("reasoning_content"):
            missing = "thinking is enabled but reasoning_content is missing"
            return f"{missing} in assistant tool call message at index {at}"
    return None


def _is_thinking_off(body: Json) -> bool:
    thinking: Json = body.get("thinking") or {}
    return thinking.get("type") == "disabled"


def _unanswered_call(messages: list[Json]) -> str | None:
    """Return the refusal of a history in which a call has no output behind it, or an output no call."""
    open_ids: list[str] = []
    for message in messages:
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in open_ids:
                return (
                    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                )
            open_ids.remove(message["tool_call_id"])
            continue
        if open_ids:
            break
        open_ids = [call["id"] for call in message.get("tool_calls") or ()]
    if not open_ids:
        return None
    return (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(open_ids)}"
    )


def _unreadable_arguments(messages: list[Json]) -> str | None:
    """Return the refusal of arguments that are no JSON, as vLLM has it for every model (issue 43995)."""
    for message in messages:
        for call in message.get("tool_calls") or ():
            try:
                msgspec.json.decode(call["function"]["arguments"], type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeError) as error:
                return str(error)
    return None


def _thought_beside_tools(model: str, body: Json) -> str | None:
    """Return OpenAI's refusal of thinking beside tools (BerriAI/litellm pull request 34569)."""
    if not (_RESTS_BESIDE_TOOLS.match(model) and body.get("tools")) or body.get("reasoning_effort") == "none":
        return None
    return (
        f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. "
        "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
    )


def _force(name: str, body: Json) -> str | None:
    """Return the refusal of a host whose models choose their tools themselves, always or while they think."""
    choice = body.get("tool_choice", "auto")
    if name.startswith("glm-"):
        return None if choice == "auto" else "tool_choice: only 'auto' is supported"
    if choice in ("auto", "none"):
        return None
    asked = choice if isinstance(choice, str) else "specified"
    if name.startswith("kimi-k3") and asked == "specified":
        return f"tool_choice '{asked}' is incompatible with thinking enabled"
    if _is_thinking_off(body):
        return None
    if name.startswith(("deepseek-reasoner", "deepseek-v4")):
        return "Thinking mode does not support this tool_choice"
    if name.startswith(("kimi-k2.", "kimi-k2-thinking")):
        return f"tool_choice '{asked}' is incompatible with thinking enabled"
    return None


def _no_word_of_json(body: Json) -> str | None:
    wanted: Json = body.get("response_format") or {}
    if wanted.get("type") != "json_object" or any(
        "json" in text_of_message(message).lower() for message in body["messages"]
    ):
        return None
    return (
        "'messages' must contain the word 'json' in some form, "
        "to use 'response_format' of type 'json_object'."
    )
