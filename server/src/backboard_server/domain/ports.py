"""Ports: what the verbs ask of the outside; the adapters that answer are handed in by bootstrap."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from .prompts import Delta, ModelChoice, Prompt


class ChatModels(Protocol):
    """Every model of every provider, behind one call."""

    async def choose(self, provider: str | None, model: str | None) -> ModelChoice:
        """Return the model to call: the one named, or the server's default where a part is left out.

        Raises Invalid for a provider that is unknown or has no key; the message names the variable to set.
        """
        ...

    def stream(self, prompt: Prompt, *, streamed: bool) -> AsyncGenerator[Delta]:
        """Call the model. `streamed` asks the provider to send its answer in pieces.

        The last delta is a Finish. Raises Upstream for every way in which a provider can fail.
        """
        ...

    def context_limit(self, choice: ModelChoice) -> int:
        """Return the model's context window in tokens (a careful default where it is unknown)."""
        ...
