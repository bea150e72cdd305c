"""Ports: what the verbs ask of the outside; the adapters that answer are handed in by bootstrap."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol

from .embeddings import Embeddings
from .keys import Secret
from .models import Facts, Model, ThinkingControls
from .outside import OutsideRequest
from .prompts import Delta, ModelChoice, Prompt


class Catalogue(Protocol):
    """What there is to call, and what providers themselves list."""

    def models(self) -> Sequence[Model]:
        """Return every known model, in an order that stays: those of the best known providers first."""
        ...

    def find_provider(self, name: str) -> str:
        """Return a provider's id by id or alias in any case; a name that nobody has stays as it is."""
        ...

    def api_mode(self, model: Model) -> str | None:
        """Return in which protocol a language model is called, or None where there is no way to call it."""
        ...

    def thinking(self, model: Model) -> ThinkingControls:
        """Return which fields of `thinking` reach a model."""
        ...

    def providers_to_ask(self) -> Sequence[str]:
        """Return the providers whose lists can be had now."""
        ...

    async def ask(self, provider: str, today: date) -> Sequence[Model]:
        """Return what a provider lists `today`. Raises Upstream if it fails, Invalid if it is not set up."""
        ...

    def lay_over(self, listed: Sequence[Model]) -> None:
        """Take what providers list in place of what was taken before."""
        ...


class ChatModels(Protocol):
    """Every model of every provider, behind one call."""

    @property
    def catalogue(self) -> Catalogue:
        """What is known of the models."""
        ...

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


class Embedder(Protocol):
    """A model that turns texts into vectors."""

    @property
    def identity(self) -> str:
        """Which model this is, as `provider/model/dimensions`: vectors of one identity may be compared."""
        ...

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        ...

    async def embed(self, texts: Sequence[str], *, keys: Mapping[str, Secret] = {}) -> Embeddings:
        """Return a vector for each text; of a text that is longer than the model reads, for its beginning.

        `keys` are the tenant's own, by provider. It may take as long as retries do: give it a deadline where
        somebody waits. Raises Upstream for every way in which a provider can fail, Unavailable where the
        local model cannot be run for now, and Invalid for a provider that is not set up or has other
        dimensions.
        """
        ...


class OutsideReply(Protocol):
    """What an address that somebody named has answered: any status, and the body as it arrives."""

    @property
    def url(self) -> str:
        """The address that answered, after any redirects."""
        ...

    @property
    def status(self) -> int:
        """The HTTP status; a redirect that is not followed is an answer like any other."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by lower-case name; one that came several times is joined by commas."""
        ...

    def pieces(self) -> AsyncGenerator[bytes]:
        """Give the body as it arrives, decompressed. Raises Upstream: timeout, truncated, malformed."""
        ...

    async def read(self) -> bytes:
        """Return the whole body. Raises what `pieces` raises."""
        ...


class Outside(Protocol):
    """The way to addresses that tenants, models and pages name, which never leads into our own network."""

    def check(self, url: str) -> None:
        """Refuse what an address's form already tells: scheme, user, port, a private address as a literal.

        Nothing is looked up. Raises Invalid (`address_forbidden`) with the reason.
        """
        ...

    def open(self, request: OutsideRequest) -> AbstractAsyncContextManager[OutsideReply]:
        """Send a request and give the answer; leaving closes the connection.

        Raises Invalid (`address_forbidden`) for an address that may not be asked, before anything is sent to
        it, and Upstream with the host as its provider: unreachable, timeout, malformed.
        """
        ...
