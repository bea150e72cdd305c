"""What the makers of Bedrock's models allow and refuse, by the id of a model.

Ids come bare (`anthropic.claude-…`), as inference profiles (`us.anthropic.claude-…`) and as ARNs of either.
The ARN of an application's own profile hides the maker, and such a model gets nothing but what all take.
"""

from __future__ import annotations

import re
from typing import Any

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Effort, Thinking
from backboard_server.providers._efforts import wish_of
from backboard_server.providers._tool_choice import Forcing

Json = dict[str, Any]

_OUTPUT_TOKENS_MAX = 32_000
_OUTPUT_TOKENS_UNKNOWN = 8_192

# docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html: not the first ones of Claude 3.
_UNCACHED_CLAUDE = re.compile(r"claude-(?:v\d|instant|3-(?:opus|sonnet|haiku|5-sonnet))")

# docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
_NOVA_EFFORTS: dict[Effort | None, str] = {
    None: "medium",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "high",
}


def is_claude(model: str) -> bool:
    """Whether a model is Anthropic's."""
    return "anthropic.claude" in model


def is_nova(model: str) -> bool:
    """Whether a model is one of Amazon's own."""
    return "amazon.nova" in model


def takes_sealed_reasoning(model: str) -> bool:
    """Whether a model may take its reasoning back, with its seal; one whose maker is hidden may."""
    return is_claude(model) or "." not in model.rpartition("/")[2]


def takes_encrypted_reasoning(model: str) -> bool:
    """Whether a model may take its encrypted reasoning back: OpenAI's too, which give no other."""
    return takes_sealed_reasoning(model) or "openai." in model


def caches(model: str) -> bool:
    """Whether a model takes cache points at all."""
    return is_nova(model) or (is_claude(model) and not _UNCACHED_CLAUDE.search(model))


def output_tokens(model: str, facts: Facts) -> int | None:
    """Return how long an answer may be, or None to leave it to the vendor.

    Left alone, some models stop after a few hundred tokens. What is asked for counts against the account's
    quota while the answer is written, and some models want it to fit into the context beside the prompt
    (docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html): hence not all that is possible.
    """
    if facts.is_known and facts.max_output_tokens:
        return max(1, min(facts.max_output_tokens, _OUTPUT_TOKENS_MAX, facts.context_limit // 4))
    return _OUTPUT_TOKENS_UNKNOWN if is_claude(model) and caches(model) else None


def forcing_of(model: str) -> Forcing:
    """Return what a model can be made to call; of a Claude that is in `claude`.

    Sources: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html,
    docs.aws.amazon.com/nova/latest/userguide/tool-choice.html; of Mistral and DeepSeek what langchain-aws
    found. Others answer "This model doesn't support the toolConfig.toolChoice.any field".
    """
    if is_nova(model):
        return "named"
    return "any" if re.search(r"mistral-large|deepseek\.v", model) else "never"


def reasoning_fields(model: str, thinking: Thinking | None) -> Json:
    """Return `additionalModelRequestFields` that make a model think; those of a Claude are in `claude`."""
    if thinking is None or thinking.effort == "none" or "amazon.nova-2" not in model:
        return {}
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _NOVA_EFFORTS[wish_of(thinking)]}}


def leaves_length_to_vendor(fields: Json) -> bool:
    """Whether `maxTokens` is refused beside these fields: Nova's is, with its highest effort."""
    config = fields.get("reasoningConfig")
    return config is not None and config["maxReasoningEffort"] == "high"
