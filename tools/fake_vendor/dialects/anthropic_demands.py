"""What Anthropic demands of a request, and the seal that its thoughts must bear when they come back.

Reference: platform.claude.com/docs, "Messages", "Handle tool calls", "Thinking", "Preserved thinking",
"Prompt caching", "Structured outputs" and "Define tools"; where the reference is silent, the sentences that
users report in anthropics/claude-code (issues 7929, 13460, 27337, 50082, 63284), anomalyco/opencode (3077),
vybestack/llxprt-code (2335), mastra-ai/mastra (7507) and Adam-CAD/CADAM (pull request 220).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise
from typing import Any, cast

import msgspec

from fake_vendor.terms import Json

BINDING_BETA = "thinking-binding-controls-2026-08-01"

_CACHED_BLOCKS_MAX = 4
_BUDGET_TOKENS_MIN = 1_024
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_BLOCKS = {
    "user": frozenset({"text", "image", "document", "tool_result"}),
    "assistant": frozenset({"text", "thinking", "redacted_thinking", "tool_use"}),
}
_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})

# By the beginnings of models' names; what is in none of these takes every form of thinking.
_WITHOUT_THINKING = ("claude-3-5", "claude-3-opus", "claude-3-sonnet", "claude-3-haiku")
_BY_BUDGET_ALONE = (
    "claude-3-7",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-5",
    "claude-sonnet-4-0",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
)
_WITHOUT_BUDGET = (
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-haiku-5",
    "claude-fable",
    "claude-mythos",
)
_ALWAYS_THINKING = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable", "claude-mythos")
_UNFORCED = _ALWAYS_THINKING
_CHOICES = frozenset({"auto", "any", "tool", "none"})
_BETWEEN_TOOLS = ("claude-sonnet-5-5",)
_CHECKS_PREFIX = ("claude-fable-5-", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")

# The keywords of JSON Schema that an answer cannot be held to.
_REFUSED_KEYWORDS = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "maxItems", "uniqueItems", "minProperties", "maxProperties", "oneOf", "not", "patternProperties",
})  # fmt: skip


def refusal_of(body: Json) -> str | None:
    """Return the vendor's sentence about the first thing that it does not take, or None."""
    return next((said for demand in _DEMANDS for said in demand(body)), None)


def sealed(thought: str, signature: str, body: Json) -> str:
    """Return the signature of a thought: for this text, of this model, after this beginning."""
    label = signature or "signature"
    return f"{label}~{_seal(label, thought, body)}~{_prefix(body, len(body['messages']))}"


def _seal(label: str, thought: str, body: Json) -> str:
    return _digest([label, thought, body["model"]])


def _prefix(body: Json, messages: int) -> str:
    return _digest([body.get("system"), body.get("tools"), body["messages"][:messages]])


def _digest(value: object) -> str:
    return sha256(msgspec.json.encode(_unmarked(value), order="sorted")).hexdigest()[:16]


def _unmarked(value: object) -> object:
    """Return JSON without its marks for the cache, which change nothing."""
    if isinstance(value, list):
        return [_unmarked(each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, object]", value)
    return {name: _unmarked(each) for name, each in fields.items() if name != "cache_control"}


def _order(body: Json) -> Iterator[str]:
    messages = body["messages"]
    if not messages:
        yield "messages: at least one message is required"
        return
    for number, message in enumerate(messages):
        role = message.get("role")
        if role not in _BLOCKS:
            yield f'messages: Unexpected role "{role}". Use the top-level `system` parameter.'
        if number and role == messages[number - 1].get("role"):
            yield f'messages: roles must alternate, but found multiple "{role}" roles in a row'
    if messages[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    if messages[-1]["role"] != "user":
        yield "This model does not support assistant message prefill. It must end with a user message."


def _contents(body: Json) -> Iterator[str]:
    for number, message in enumerate(body["messages"]):
        blocks = _blocks_of(message)
        if not blocks:
            yield f"messages.{number}: all messages must have non-empty content"
            continue
        for place, block in enumerate(blocks):
            kind = block.get("type")
            if kind not in _BLOCKS[message["role"]]:
                yield f"messages.{number}.content.{place}: Input tag '{kind}' does not match any expected tag"
            yield from _block(block)
        if message["role"] == "assistant" and _is_thought(blocks[-1]):
            yield f"messages.{number}: The final block in an assistant message cannot be `thinking`."
    for block in _blocks_of({"content": body.get("system")}):
        yield from _block(block)


def _block(block: Json) -> Iterator[str]:
    match block.get("type"):
        case "text" if not str(block.get("text", "")).strip():
            yield "messages: text content blocks must contain non-whitespace text"
        case "image" if block["source"].get("media_type") not in _IMAGES:
            yield "source.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
        case "document" if block["source"].get("media_type") != "application/pdf":
            yield "source.media_type: Input should be 'application/pdf'"
        case "image" | "document" if not _is_base64(block["source"].get("data")):
            yield "source.data: Input should be valid base64"
        case "tool_use" if not isinstance(block.get("input"), dict):
            yield "tool_use.input: Input should be a valid dictionary"
        case "tool_result" if isinstance(block.get("content"), list):
            for inner in block["content"]:
                yield from _block(inner)
        case "redacted_thinking" if not block.get("data"):
            yield "redacted_thinking.data: Field required"
        case _:
            pass


def _calls(body: Json) -> Iterator[str]:
    messages: list[Json] = body["messages"]
    ids = [block["id"] for message in messages for block in _of_kind(message, "tool_use")]
    if not all(_CALL_ID.fullmatch(call_id) for call_id in ids):
        yield "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    if len(set(ids)) != len(ids):
        yield "messages: `tool_use` ids must be unique"
    nobody: Json = {"content": []}
    for number, (message, following) in enumerate(pairwise((nobody, *messages, nobody))):
        called = {block["id"] for block in _of_kind(message, "tool_use")}
        first = _blocks_of(following)[: len(called)]
        missing = called - {block["tool_use_id"] for block in first if block["type"] == "tool_result"}
        if missing:
            yield (
                f"messages.{number - 1}: `tool_use` ids were found without `tool_result` blocks immediately "
                f"after: {', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` "
                "block in the next message."
            )
        for block in _of_kind(following, "tool_result"):
            if block["tool_use_id"] not in called:
                yield f"unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}"


def _tools(body: Json) -> Iterator[str]:
    tools: list[Json] = body.get("tools") or []
    names = [tool.get("name") for tool in tools]
    used = [block["name"] for message in body["messages"] for block in _of_kind(message, "tool_use")]
    if used and not tools:
        yield "Requests which include tool_use or tool_result blocks must define tools."
    if len(set(names)) != len(names):
        yield "tools: Tool names must be unique."
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in (*names, *used)):
        yield "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
    for tool in tools:
        schema: Json = tool.get("input_schema") or {}
        if schema.get("type") != "object":
            yield "tools.0.custom.input_schema.type: Input should be 'object'"
        if schema.keys() & {"oneOf", "allOf", "anyOf"}:
            yield "input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"


def _choice(body: Json) -> Iterator[str]:
    choice: Json | None = body.get("tool_choice")
    if choice is None:
        return
    kind, thinking = choice.get("type"), cast("Json", body.get("thinking") or {})
    if kind not in _CHOICES:
        yield f"tool_choice: Input tag '{kind}' does not match any of the expected tags: {sorted(_CHOICES)}"
    if not body.get("tools"):
        yield "tool_choice may only be specified while providing tools."
    if kind == "tool" and choice.get("name") not in [tool.get("name") for tool in body.get("tools") or ()]:
        yield f"Tool '{choice.get('name')}' not found in provided tools"
    if kind not in ("any", "tool"):
        return
    if thinking.get("type") == "enabled":
        yield "Thinking may not be enabled when tool_choice forces tool use."
    if body["model"].startswith(_UNFORCED):
        yield "tool_choice forces tool use is not compatible with this model."


def _thinking(body: Json) -> Iterator[str]:
    thinking, model = body.get("thinking"), body["model"]
    if thinking is None:
        return
    kind = thinking.get("type")
    refused = {
        "enabled": (*_WITHOUT_THINKING, *_WITHOUT_BUDGET),
        "adaptive": (*_WITHOUT_THINKING, *_BY_BUDGET_ALONE),
        "disabled": _ALWAYS_THINKING,
    }
    if kind not in {*refused, "between_tools"} or model.startswith(refused.get(kind, ())):
        yield f'"thinking.type.{kind}" is not supported for this model.'
    if kind == "between_tools" and not model.startswith(_BETWEEN_TOOLS):
        yield '"thinking.type.between_tools" is not supported for this model.'
    if kind == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if budget < _BUDGET_TOKENS_MIN:
            yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        if budget >= body["max_tokens"]:
            yield "`max_tokens` must be greater than `thinking.budget_tokens`."
        yield from _first_thought(body)


def _first_thought(body: Json) -> Iterator[str]:
    """Refuse a turn of tools that does not begin with a thought, going back from the last message."""
    messages = body["messages"]
    number = len(messages)
    while number >= 2 and _of_kind(messages[number - 1], "tool_result"):
        number -= 2
    if number == len(messages):
        return
    found = _blocks_of(messages[number])[0]
    if not _is_thought(found):
        yield (
            f"messages.{number}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{found['type']}`. When `thinking` is enabled, a final `assistant` message must start with a "
            "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). To avoid "
            "this requirement, disable `thinking`."
        )


def _seals(body: Json) -> Iterator[str]:
    thinking: Json = body.get("thinking") or {}
    binding: Json = thinking.get("block_binding") or {}
    drops = binding.get("prefix_mismatch_behavior") == "drop_block"
    checks_prefix = body["model"].startswith(_CHECKS_PREFIX)
    for number, message in enumerate(body["messages"]):
        for place, block in enumerate(_of_kind(message, "thinking")):
            label, _, rest = str(block.get("signature", "")).rpartition("~")[0].rpartition("~")
            where = f"messages.{number}.content.{place}: Invalid `signature` in `thinking` block."
            # Models that check the prefix drop the thoughts of other models without a word.
            if rest != _seal(label, block.get("thinking", ""), body) and not checks_prefix:
                yield where
            prefix = str(block.get("signature", "")).rpartition("~")[2]
            if checks_prefix and not drops and prefix != _prefix(body, number):
                yield f"{where} The block is bound to a different conversation. Remove the block."


def _marks(body: Json) -> Iterator[str]:
    found = list(_marked_blocks(body))
    if len(found) > _CACHED_BLOCKS_MAX:
        yield f"A maximum of 4 blocks with cache_control may be provided. Found {len(found)}."
    if any(_is_thought(block) for block in found):
        yield "thinking.cache_control: Extra inputs are not permitted"


def _form(body: Json) -> Iterator[str]:
    wanted: Json = body.get("output_config") or {}
    if unknown := wanted.keys() - {"effort", "format"}:
        yield f"output_config.{min(unknown)}: Extra inputs are not permitted"
    if "effort" in wanted and wanted["effort"] not in _EFFORTS:
        yield "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
    form: Json = wanted.get("format") or {}
    if form:
        if form.get("type") != "json_schema":
            yield "output_config.format.type: Input should be 'json_schema'"
        yield from _schema(form.get("schema"))


def _schema(schema: object) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield "output_config.format.schema: Input should be a valid dictionary"
        return
    fields = cast("Json", schema)
    if fields.get("type") == "object" and fields.get("additionalProperties") is not False:
        yield "format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
    if refused := fields.keys() & _REFUSED_KEYWORDS:
        yield f"output_config.format.schema: property '{min(refused)}' is not supported"
    properties: Json = fields.get("properties") or {}
    branches: list[object] = fields.get("anyOf") or []
    items: list[object] = [fields["items"]] if "items" in fields else []
    for each in (*properties.values(), *branches, *items):
        yield from _schema(each)


def _blocks_of(message: Json) -> list[Json]:
    content: Any = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def _of_kind(message: Json, kind: str) -> list[Json]:
    return [block for block in _blocks_of(message) if block.get("type") == kind]


def _is_thought(block: Json) -> bool:
    return block.get("type") in {"thinking", "redacted_thinking"}


def _is_base64(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(b64decode(text, validate=True))
    except binascii.Error:
        return False


def _marked_blocks(body: Json) -> Iterator[Json]:
    tools: list[Json] = body.get("tools") or []
    blocks = [block for message in body["messages"] for block in _blocks_of(message)]
    for block in (*tools, *_blocks_of({"content": body.get("system")}), *blocks):
        if "cache_control" in block:
            yield block


_DEMANDS: tuple[Callable[[Json], Iterator[str]], ...] = (
    _order,
    _contents,
    _calls,
    _tools,
    _choice,
    _thinking,
    _seals,
    _marks,
    _form,
)
