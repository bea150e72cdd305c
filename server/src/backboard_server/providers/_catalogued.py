"""The catalogue as a running server has it: what is known, and over it what providers list live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from msgspec import structs

from backboard_server.domain.models import Facts, Model, ThinkingControls

from . import catalogue, local
from ._choosing import Choosing
from ._failures import Failure, explain
from ._hosts import Host, resolve
from ._http import Egress
from ._live_lists import fetch
from ._thinking import controls_of
from .table import OUR_ROWS, Row, WireName, find_row, list_rows, wire_of

_PUBLIC_LISTS = frozenset({"openrouter"})  # whose lists are given to everybody
_WITHOUT_LISTS = frozenset(
    {local.PROVIDER, "amazon-bedrock"}
)  # Bedrock's is another API's, of another address
_API_MODES: dict[WireName, str] = {
    "openai_chat": "chat_completions",
    "openai_responses": "responses",
    "anthropic": "messages",
    "gemini": "generate_content",
    "bedrock": "converse",
}
_RANKS = {row.id: rank for rank, row in enumerate(OUR_ROWS)}


class Catalogue:
    """Implements `domain.ports.Catalogue`."""

    def __init__(self, environment: Mapping[str, str], choosing: Choosing, egress: Egress) -> None:
        """Begin with what is known without asking anybody."""
        self._environment = environment
        self._choosing = choosing
        self._egress = egress
        self._listed: dict[tuple[str, str], Model] = {}
        self._sorted: tuple[Model, ...] = ()
        self._controls: dict[tuple[str, str], ThinkingControls] = {}

    def models(self) -> Sequence[Model]:
        """Return every model: those of our own rows first, then by the provider's id; by name within each."""
        if not self._sorted:
            self._sorted = _sorted(self._known().values())
        return self._sorted

    def lay_over(self, listed: Iterable[Model]) -> None:
        """Take what providers list in place of what was taken before."""
        known = self._known()
        laid = {
            (model.provider, model.name): _merged(known.get((model.provider, model.name)), model)
            for model in listed
        }
        # Readers see the one state or the other: all is made before any of it is put in place.
        models = _sorted({**known, **laid}.values())
        self._listed, self._sorted, self._controls = laid, models, {}

    def facts(self, provider: str, model: str) -> Facts:
        """Return what matters of a model when it is called."""
        listed = self._listed.get((provider, model))
        return catalogue.facts_of(listed) if listed else catalogue.facts(provider, model)

    def find_provider(self, name: str) -> str:
        """Return a provider's id by id or alias in any case; a name that nobody has stays as it is."""
        lower = name.strip().lower()
        row = self._choosing.find_row(lower)
        return row.id if row else lower

    def api_mode(self, model: Model) -> str | None:
        """Return in which protocol a language model is called, or None where no wire of ours speaks it."""
        row = self._row_of(model)
        return _API_MODES[wire_of(row, model.name)] if row else None

    def thinking(self, model: Model) -> ThinkingControls:
        """Return which fields of `thinking` reach a model."""
        row = self._row_of(model)
        if row is None or model.may_reason is False:
            return ThinkingControls()
        key = model.provider, model.name
        if key not in self._controls:
            facts = self.facts(*key)
            self._controls[key] = controls_of(row, wire_of(row, model.name), model.name, facts)
        return self._controls[key]

    def providers_to_ask(self) -> list[str]:
        """Return the providers whose lists can be had now: those that are configured, and the public ones."""
        rows = [row.id for row in list_rows()]
        at_hand = (self._choosing.usable() | _PUBLIC_LISTS) - _WITHOUT_LISTS
        return [*(name for name in rows if name in at_hand), *sorted(at_hand - set(rows))]

    async def ask(self, provider: str, today: date) -> list[Model]:
        """Return what a provider lists now. Raises Invalid where it is not set up, Upstream if it fails."""
        host = self._host_of(provider)
        try:
            return await fetch(self._egress, host, today)
        except Failure as failure:
            raise explain(failure, host) from None

    def _known(self) -> dict[tuple[str, str], Model]:
        """Return the catalogue's models, and those that the operator named for providers of their own."""
        named = (
            Model(name=row.default_model, provider=row.id, model_type="llm")
            for row in self._choosing.own_rows
            if row.default_model
        )
        return {(model.provider, model.name): model for model in named} | dict(catalogue.models())

    def _host_of(self, provider: str) -> Host:
        if provider not in _PUBLIC_LISTS or provider in self._choosing.usable():
            return self._choosing.host(provider)
        row = find_row(provider)
        assert row is not None  # noqa: S101 - public lists are those of our own rows
        return resolve(structs.replace(row, needs_key=False), self._environment)

    def _row_of(self, model: Model) -> Row | None:
        return self._choosing.find_row(model.provider) if model.model_type == "llm" else None


def _sorted(models: Iterable[Model]) -> tuple[Model, ...]:
    return tuple(sorted(models, key=_place))


def _place(model: Model) -> tuple[int, str, str]:
    return _RANKS.get(model.provider, len(_RANKS)), model.provider, model.name


def _merged(known: Model | None, listed: Model) -> Model:
    """Return a listed model with what the catalogue knows beside: the list is newer and knows less."""
    if known is None:
        return listed
    told = {
        name: value
        for name in ("max_output_tokens", "takes_tools", "may_reason", "has_structured_output", "price")
        if (value := getattr(listed, name)) is not None
    }
    return structs.replace(
        known,
        **told,
        context_limit=listed.context_limit or known.context_limit,
        details=known.details | listed.details,
        last_updated=listed.last_updated,
    )
