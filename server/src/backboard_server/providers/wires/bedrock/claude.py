"""How a Claude is told to think over Converse: in fields of its maker's own, beside turns that fit them.

Sources: docs.aws.amazon.com/bedrock/latest/userguide, claude-messages-adaptive-thinking.html,
claude-messages-extended-thinking.html and claude-messages-thinking-block-binding.html; betas are named in
`additionalModelRequestFields` as well.
"""

from __future__ import annotations

from typing import Any

from backboard_server.domain.prompts import Prompt
from backboard_server.providers._calls import Names
from backboard_server.providers._claude import (
    BINDING_BETA,
    Plan,
    forcing_of,
    lacks_thought,
    plan_of,
    traits_of,
    with_loose_thoughts,
)
from backboard_server.providers._tool_choice import Forcing

from .turns import turns_of

Json = dict[str, Any]


def fields_and_turns(prompt: Prompt, names: Names, max_tokens: int) -> tuple[Json, list[Json]]:
    """Return the fields that steer thinking, and the turns with those thoughts that go with them.

    `max_tokens` is for thoughts and answer together.
    """
    traits = traits_of(prompt.choice.model, is_claude=True)
    plan = plan_of(prompt.thinking, traits, max_tokens)
    turns = turns_of(prompt, names, shows_thoughts=plan.shows_thoughts)
    if plan.has_budget and lacks_thought(turns, is_output=_is_output, is_thought=_is_thought):
        plan = Plan()
        turns = turns_of(prompt, names, shows_thoughts=False)
    fields: Json = {"thinking": plan.thinking} if plan.thinking else {}
    if plan.effort:
        fields["output_config"] = {"effort": plan.effort}
    if traits.checks_prefix and any(_is_thought(block) for turn in turns for block in turn["content"]):
        fields["thinking"] = with_loose_thoughts(plan.thinking)
        fields["anthropic_beta"] = [BINDING_BETA]
    return fields, turns


def claudes_forcing(model: str, fields: Json) -> Forcing:
    """Return what it can be made to call beside these fields."""
    return forcing_of(traits_of(model, is_claude=True), fields.get("thinking"))


def _is_output(block: Json) -> bool:
    return "toolResult" in block


def _is_thought(block: Json) -> bool:
    return "reasoningContent" in block
