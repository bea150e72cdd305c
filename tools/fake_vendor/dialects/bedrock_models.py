"""What single models of Bedrock refuse: cache points, ways to think, ids, parts of schemas.

Sources: docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html,
…/claude-messages-adaptive-thinking.html and …/claude-messages-thinking-block-binding.html;
platform.claude.com/docs, "Thinking" (which models let themselves be turned off);
docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html. Who takes which choice of tools:
…/bedrock/latest/APIReference/API_runtime_ToolChoice.html and langchain-ai/langchain-aws. The sentences are
quoted as users report them: BerriAI/litellm issue 10463, RooCodeInc/Roo-Code pull request 11238,
zed-industries/zed issue 28521, LibreChat-AI/agents pull request 253, can1357/oh-my-pi issue 341,
strands-agents/harness-sdk issue 1241.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from fake_vendor.terms import Json

_BY_PROFILE_ALONE = re.compile(r"anthropic\.claude-(opus|sonnet|haiku)-\d.*")
_WITH_BUDGET = re.compile(r"claude-(3-7|(opus|sonnet|haiku)-4(-[0156])?(-\d{8}|-v\d|:|$))")
_ADAPTIVE = re.compile(r"claude-(opus|sonnet|haiku)-(4-[6-9]|[5-9])|claude-(fable|mythos)")
_OTHERS = {
    "disabled": re.compile(r"claude-(opus|sonnet)-5(?!-\d(?!\d))|claude-haiku-5-5"),
    "between_tools": re.compile(r"claude-sonnet-5-5"),
}
_NOBODY = re.compile(r"(?!)")
_BINDING_BETA = "thinking-binding-controls-2026-08-01"
_FREE_WHILE_THINKING = re.compile(r"claude-(opus|sonnet|haiku)-(4-8|5)")
_NEVER_FORCED = re.compile(r"claude-(fable|mythos|(opus|sonnet)-5-5)")
_CHOICES = {  # by a part of a model's name, the first that fits
    "amazon.nova": ("auto", "any", "tool"),
    "mistral-large": ("auto", "any"),
    "deepseek.v": ("any",),
    "": ("auto",),
}
_NOVA_SCHEMA = frozenset({"type", "properties", "required"})
_OUTPUT_TOKENS_DEFAULT = 4_096
_BUDGET_TOKENS_MIN = 1_024


def model_refusal(body: Json, model: str) -> Iterator[str]:
    """Yield what this model would refuse of a request whose form is right."""
    if _BY_PROFILE_ALONE.fullmatch(model):
        yield (
            f"Invocation of model ID {model} with on-demand throughput isn't supported. Retry your request "
            "with the ID or ARN of an inference profile that contains this model."
        )
    yield from _cache_points(body, model)
    fields: Json = body.get("additionalModelRequestFields") or {}
    if "anthropic.claude" in model:
        yield from _claude_thinking(body, fields, model)
    elif "amazon.nova" in model:
        yield from _nova(body, fields, model)
    elif fields:
        yield f"Malformed input request: #: extraneous key [{next(iter(fields))}] is not permitted"


def choice_refusal(kind: str, body: Json, model: str) -> Iterator[str]:
    """Yield what this model would refuse of a choice of tools."""
    if "anthropic.claude" not in model:
        if kind not in next(taken for name, taken in _CHOICES.items() if name in model):
            field = f"toolConfig.toolChoice.{kind}"
            yield f"This model doesn't support the {field} field. Remove {field} and try again."
        return
    fields: Json = body.get("additionalModelRequestFields") or {}
    thinking: Json = fields.get("thinking") or {}
    thinks = thinking.get("type") in ("enabled", "adaptive") and not _FREE_WHILE_THINKING.search(model)
    if kind != "auto" and _NEVER_FORCED.search(model):
        yield "The model returned the following errors: tool_choice that forces a call is not supported."
    elif kind != "auto" and thinks:
        yield (
            "The model returned the following errors: Thinking may not be enabled when tool_choice forces "
            "tool use."
        )


def _cache_points(body: Json, model: str) -> Iterator[str]:
    tools = cast("list[Json]", cast("Json", body.get("toolConfig", {})).get("tools", []))
    turns = [block for turn in cast("list[Json]", body["messages"]) for block in turn["content"]]
    places = {
        "toolConfig/tools": tools,
        "system": cast("list[Json]", body.get("system", [])),
        "messages": turns,
    }
    counts = {place: sum("cachePoint" in block for block in blocks) for place, blocks in places.items()}
    if sum(counts.values()) > 4:
        yield "A maximum of 4 cache points is allowed in a request."
    if "anthropic.claude" in model and not re.search(r"claude-3-(opus|sonnet|haiku)", model):
        return
    if counts["toolConfig/tools"] or (sum(counts.values()) and "amazon.nova" not in model):
        yield "Malformed input request: extraneous key [cachePoint] is not permitted"


def _claude_thinking(body: Json, fields: Json, model: str) -> Iterator[str]:
    thinking: Json = fields.get("thinking") or {}
    match thinking.get("type"):
        case "enabled":
            yield from _budget(thinking["budget_tokens"], body, model)
        case "adaptive":
            if not _ADAPTIVE.search(model):
                yield "adaptive thinking is not supported on this model"
        case other:
            if other is not None and not _OTHERS.get(other, _NOBODY).search(model):
                yield f"thinking.type: {other} is not supported for this model."
    if "block_binding" in thinking and _BINDING_BETA not in fields.get("anthropic_beta", []):
        yield "thinking.block_binding: Extra inputs are not permitted"
    if "output_config" in fields and not _ADAPTIVE.search(model):
        yield "This model does not support the effort parameter."


def _budget(budget_tokens: int, body: Json, model: str) -> Iterator[str]:
    tokens = cast("Json", body.get("inferenceConfig", {})).get("maxTokens", _OUTPUT_TOKENS_DEFAULT)
    if not _WITH_BUDGET.search(model):
        yield '"thinking.type.enabled" is not supported for this model.'
    if not _BUDGET_TOKENS_MIN <= budget_tokens < tokens:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`, which is 1024 at least"
    if _resumes_without_a_thought(cast("list[Json]", body["messages"])):
        yield (
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is "
            "enabled, a final `assistant` message must start with a thinking block."
        )


def _resumes_without_a_thought(turns: list[Json]) -> bool:
    """Go back to the first part of the answer that is being given, as a set of calls and outputs is one."""
    at = len(turns)
    while at >= 2 and any("toolResult" in block for block in turns[at - 1]["content"]):
        at -= 2
    return at < len(turns) and "reasoningContent" not in turns[at]["content"][0]


def _nova(body: Json, fields: Json, model: str) -> Iterator[str]:
    for name in fields.keys() - ({"reasoningConfig"} if "nova-2" in model else set[str]()):
        yield f"Malformed input request: #: extraneous key [{name}] is not permitted"
    effort = cast("Json", fields.get("reasoningConfig", {})).get("maxReasoningEffort", "low")
    if effort not in {"low", "medium", "high"}:
        yield f"{effort} is not a valid enum value for maxReasoningEffort"
    if effort == "high" and body.get("inferenceConfig"):
        yield "maxTokens, temperature and topP must be unset with maxReasoningEffort high"
    tools = cast("list[Json]", cast("Json", body.get("toolConfig", {})).get("tools", []))
    schemas = [cast("Json", tool["toolSpec"]["inputSchema"]["json"]) for tool in tools if "toolSpec" in tool]
    for name in (name for schema in schemas for name in schema.keys() - _NOVA_SCHEMA):
        yield f"Malformed input request: #/toolConfig/tools: extraneous key [{name}] is not permitted"
    if any("$ref" in node for schema in schemas for node in _objects(schema)):
        yield "Malformed input request: #/toolConfig/tools: extraneous key [$ref] is not permitted"


def _objects(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        fields = cast("Json", node)
        yield fields
        for value in fields.values():
            yield from _objects(value)
