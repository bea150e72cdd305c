"""Ports: what the verbs ask of the outside; the adapters that answer are handed in by bootstrap."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Protocol

from .keys import Secret
from .models import Facts
from .prompts import Delta, ModelChoice, Prompt


class ChatModels(Protocol):
    """Every model of every provider, behind one call."""

    async def choose(
        self, provider: str | None, model: str | None, keys: Mapping[str, Secret] = {}
    ) -> ModelChoice:
        """Return the model to call: the one named, or the default where a part is left out.

        `keys` are the tenant's own, by provider. Raises Invalid for a provider that is unknown or has no key;
        the message names the variable to set.
        """
        ...

    def stream(self, prompt: Prompt, *, streamed: bool) -> AsyncGenerator[Delta]:
        """Call the model. `streamed` asks the provider to send its answer in pieces.

        The last delta is a Finish. Raises Upstream for every way in which a provider can fail.
        """
        ...

    def facts(self, choice: ModelChoice) -> Facts:
        """Return what matters of a model when it is called (careful guesses where it is unknown)."""
        ...

    def provider_id(self, name: str) -> str:
        """Return the id of the provider that a name or an alias means. Raises Invalid where there is none."""
        ...

    def usable_providers(self, keys: Collection[str] = ()) -> frozenset[str]:
        """Return the providers that can be called now, given the tenant's own keys for `keys`."""
        ...
