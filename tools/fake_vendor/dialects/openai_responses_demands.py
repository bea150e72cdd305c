"""What OpenAI refuses of a request for a response: its sentences, and the requests that earn them.

The sentences are quoted as users report them: openai/openai-agents-python issues 1611 and 2089,
continuedev/continue issues 11994 and 12031, Laisky/one-api issue 120; those about strings, unknown parameters
and schemas are the API's own for every such field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, cast

from fake_vendor.terms import Json

from .openai_terms import choice_refusals

_SEAL = "known to the vendor alone"
_CALL_ID_CHARACTERS_MAX = 64
_NAME = "^[a-zA-Z0-9_-]+$"
# Those fields of CreateResponse that a server without tools and storage of the vendor's has a use for.
_KNOWN = frozenset(
    {
        *("model", "input", "instructions", "stream", "stream_options", "store", "include", "reasoning"),
        *("text", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "metadata"),
        *("temperature", "top_p", "truncation", "user", "prompt_cache_key", "safety_identifier"),
    }
)
_PARTS: dict[str, tuple[str, ...]] = {
    "user": ("input_text", "input_image", "input_file"),
    "system": ("input_text", "input_image", "input_file"),
    "developer": ("input_text", "input_image", "input_file"),
    "assistant": ("output_text", "refusal"),
}
# Efforts of some models, the longest name first; () are models that do not reason.
_EFFORTS: dict[str, tuple[str, ...]] = {
    "gpt-5-chat-latest": (),
    "gpt-5-pro": ("high",),
    "gpt-5.6": ("none", "low", "medium", "high", "xhigh", "max"),
    "gpt-5.4": ("none", "low", "medium", "high", "xhigh"),
    "gpt-5.1": ("none", "low", "medium", "high"),
    "gpt-5": ("minimal", "low", "medium", "high"),
    "gpt-4": (),
    "o4-mini": ("low", "medium", "high"),
    "o3": ("low", "medium", "high"),
}


def sealed(item_id: str, signature: str) -> str:
    """Return reasoning as only the vendor can write it, for this item and this signature."""
    return f"{signature}.{sha256(f'{_SEAL}{item_id}{signature}'.encode()).hexdigest()}"


def refusal_of(body: Json) -> str | None:
    """Return the first sentence of refusal that a request earns, or None."""
    items: list[Json] = [{"content": body["input"]}] if isinstance(body["input"], str) else body["input"]
    if not items:
        return "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided."
    refusals = (*_of_fields(body), *_of_items(items), *_of_pairs(items), *_of_reasoning(items, body))
    return next(iter(refusals), None)


def _of_fields(body: Json) -> Iterator[str]:
    yield from (f"Unknown parameter: '{name}'." for name in body if name not in _KNOWN)
    for at, tool in enumerate(cast("list[Json]", body.get("tools") or [])):
        if not tool.get("name"):
            yield f"Missing required parameter: 'tools[{at}].name'."
        schema: Json = tool.get("parameters") or {}
        if schema.get("type") != "object" or schema.keys() & {"oneOf", "anyOf", "allOf", "enum", "not"}:
            yield (
                f"Invalid schema for function '{tool.get('name')}': schema must have type 'object' and "
                "not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
            )
    yield from choice_refusals(body.get("tool_choice"), body.get("tools") or [], is_flat=True)
    text: Json = body.get("text") or {}
    wanted: Json = text.get("format") or {}
    if wanted.get("type") == "json_object" and "json" not in str(body["input"]).lower():
        yield (
            "Response input messages must contain the word 'json' in some form "
            "to use 'text.format' of type 'json_object'."
        )
    yield from _of_model(body)


def _of_model(body: Json) -> Iterator[str]:
    model = body["model"]
    efforts = next((efforts for name, efforts in _EFFORTS.items() if model.startswith(name)), None)
    reasoning: Json = body.get("reasoning") or {}
    effort = reasoning.get("effort")
    if efforts is None:
        return
    if not efforts and body.get("include"):
        yield "Encrypted content is not supported with this model."
    if not efforts and reasoning:
        yield "Unsupported parameter: 'reasoning.effort' is not supported with this model."
    elif effort and effort not in efforts:
        supported = ", ".join(f"'{each}'" for each in efforts)
        yield (
            f"Unsupported value: '{effort}' is not supported with the '{model}' model. "
            f"Supported values are: {supported}."
        )


def _of_items(items: list[Json]) -> Iterator[str]:
    for at, item in enumerate(items):
        call_id = item.get("call_id")
        if call_id is not None and not 0 < len(call_id) <= _CALL_ID_CHARACTERS_MAX:
            yield (
                f"Invalid 'input[{at}].call_id': string too long. Expected a string with maximum length "
                f"{_CALL_ID_CHARACTERS_MAX}, but got a string with length {len(call_id)} instead."
            )
        if "name" in item and not re.match(_NAME, item["name"]):
            yield f"Invalid 'input[{at}].name': string does not match pattern. Expected '{_NAME}'."
        if isinstance(item.get("content"), list):
            yield from _of_parts(at, item)


def _of_parts(at: int, item: Json) -> Iterator[str]:
    taken = _PARTS.get(item.get("role", ""), ("reasoning_text",))
    for number, part in enumerate(cast("list[Json]", item["content"])):
        if part.get("type") not in taken:
            supported = ", ".join(f"'{each}'" for each in taken)
            yield f"Invalid value: '{part.get('type')}'. Supported values are: {supported}."
        url: str | None = part.get("image_url") or part.get("file_data")
        if url is not None and not re.match("(data:[^,]+;base64,.|https?://)", url):
            yield f"Invalid 'input[{at}].content[{number}]'. Expected a valid URL."


def _of_pairs(items: list[Json]) -> Iterator[str]:
    calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
    outputs = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    for call_id in outputs:
        if call_id not in calls:
            yield f"No tool call found for function call output with call_id {call_id}."
    for call_id in calls:
        if call_id not in outputs:
            yield f"No tool output found for function call {call_id}."


def _of_reasoning(items: list[Json], body: Json) -> Iterator[str]:
    there = {item.get("id") for item in items if item.get("type") == "reasoning"}
    for item, following in zip(items, [*items[1:], None], strict=True):
        kind, item_id = item.get("type", "message"), cast("str", item.get("id") or "")
        if kind == "reasoning":
            yield from _of_seal(item, body)
            if following is None or not _is_of_model(following):
                yield f"Item '{item_id}' of type '{kind}' was provided without its required following item."
        needed = "rs" + item_id.partition("_rs")[2]  # our ids say with which reasoning they came
        if kind != "reasoning" and needed != "rs" and needed not in there:
            yield (
                f"Item '{item_id}' of type '{kind}' was provided without its required 'reasoning' item: "
                f"'{needed}'."
            )


def _of_seal(item: Json, body: Json) -> Iterator[str]:
    item_id, content = item["id"], cast("Any", item.get("encrypted_content"))
    if not content:
        if not body.get("store", True):
            yield (
                f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to false. "
                "Try again with `store` set to true, or remove this item from your input."
            )
    elif content != sealed(item_id, content.rpartition(".")[0]):
        yield f"The encrypted content for item {item_id} could not be verified."


def _is_of_model(item: Json) -> bool:
    return item.get("type") in ("reasoning", "function_call") or item.get("role") == "assistant"
