"""Which fields of `thinking` make a difference to a model: asked of the wire itself, as it does no I/O."""

from __future__ import annotations

from backboard_server.domain.models import Facts, ThinkingControls, ThinkingField
from backboard_server.domain.prompts import Effort, ModelChoice, Prompt, PromptMessage, Thinking

from ._hosts import Host
from .table import Row, WireName
from .wires import WIRES

_MESSAGES = (PromptMessage("user", "Think."),)
_EFFORTS: tuple[Effort, ...] = ("none", "low", "high")
_SMALL_TOKENS, _LARGE_TOKENS = 1_024, 24_000


def controls_of(row: Row, wire: WireName, model: str, facts: Facts) -> ThinkingControls:
    """Return a model's controls: a field is allowed where two of its values make two different requests."""
    if not facts.may_reason:
        return ThinkingControls()
    # An address and a key like any: nothing is sent.
    host = Host(row, "https://example.invalid", "key", row.settings)
    plain = Prompt(choice=ModelChoice(row.id, model), messages=_MESSAGES)

    def asked(thinking: Thinking | None) -> bytes | None:
        prompt = Prompt(choice=plain.choice, messages=_MESSAGES, thinking=thinking)
        return WIRES[wire].call(prompt, host, facts, streamed=False).body

    allowed: list[ThinkingField] = []
    if len({asked(Thinking(effort=effort)) for effort in _EFFORTS}) > 1:
        allowed.append("effort")
    if asked(Thinking(budget_tokens=_SMALL_TOKENS)) != asked(Thinking(budget_tokens=_LARGE_TOKENS)):
        allowed.extend(("budget_tokens", "max_tokens"))
    if asked(Thinking(is_hidden=True)) != asked(Thinking()):
        allowed.append("exclude_reasoning")
    return ThinkingControls(True, tuple(allowed))
