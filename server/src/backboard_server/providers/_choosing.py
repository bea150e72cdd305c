"""Which model is meant: the one that a request names, or this server's default for what it leaves out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from backboard_server.domain.errors import Invalid
from backboard_server.domain.keys import Secret
from backboard_server.domain.prompts import ModelChoice

from . import local
from ._hosts import Host, is_configured, resolve
from ._listing import FirstModels
from .table import OUR_ROWS, Row, find_row, is_known_unspoken, list_rows, own_address


class Choosing:
    """Reads names case-insensitively against the table, the environment and the tenant's own keys."""

    def __init__(
        self, environment: Mapping[str, str], first_models: FirstModels, rows: Iterable[Row] = ()
    ) -> None:
        """`environment` holds keys, base URLs and the server's own default.

        `rows` are the operator's: those of the table's ids stand in their places, the others before all.
        """
        self._environment = environment
        self._first_models = first_models
        self._default_provider = environment.get("BACKBOARD_LLM_PROVIDER", "").strip().lower()
        self._default_model = environment.get("BACKBOARD_MODEL_NAME", "").strip()
        self.own_rows = tuple(rows)
        self._own_rows = {name: row for row in self.own_rows for name in (row.id, *row.aliases)}
        further_rows = [row for row in self.own_rows if row.id not in {ours.id for ours in OUR_ROWS}]
        self._preferred_rows = (*further_rows, *(self._own_rows.get(row.id, row) for row in OUR_ROWS))
        self._hosts: dict[tuple[str, str | None], Host] = {}

    async def choose(
        self, provider: str | None, model: str | None, keys: Mapping[str, Secret] = {}
    ) -> ModelChoice:
        """Return the model to call; raises Invalid as `Providers.choose` says."""
        name = (provider or "").strip().lower() or self._default_provider
        if not provider or self._is_default(name):
            model = model or self._default_model
        if not name:
            return await self._first_at_hand(model, keys)
        if name == local.PROVIDER:
            return local.CHOICE
        return await self._with_model(self.host(name, keys), model)

    def host(self, provider: str, keys: Mapping[str, Secret] = {}, model: str = "") -> Host:
        """Return the host of a provider by its name in lower case, with the tenant's key if it has one.

        It is where the provider has this `model`, as some have an address of their own.
        Raises Invalid: `unknown_provider`, `provider_not_supported` or `provider_not_configured`.
        """
        row = self.find_row(provider)
        if row is None:
            raise self._stranger(provider)
        address = own_address(row, model)
        if row.id in keys:
            return resolve(row, self._environment, keys[row.id], own_address=address)
        host = self._hosts.get((row.id, address))
        if host is None:
            host = resolve(row, self._environment, own_address=address)
            self._hosts[row.id, address] = host
        return host

    def provider_id(self, name: str) -> str:
        """Return the id behind a name. Raises Invalid: `unknown_provider` or `provider_not_supported`."""
        provider = name.strip().lower()
        row = self.find_row(provider)
        if row is None:
            raise self._stranger(provider)
        return row.id

    def find_row(self, provider: str) -> Row | None:
        """Return the row of a provider by id or alias in lower case: the operator's own, else the table's."""
        return self._own_rows.get(provider) or find_row(provider)

    def usable(self, keys: Collection[str] = ()) -> frozenset[str]:
        """Return the ids of the providers that can be called now."""
        return self._configured | frozenset(keys)

    @cached_property
    def _configured(self) -> frozenset[str]:
        rows = [*self._own_rows.values(), *(row for row in list_rows() if row.id not in self._own_rows)]
        return frozenset({row.id for row in rows if is_configured(row, self._environment)} | {local.PROVIDER})

    def _is_default(self, name: str) -> bool:
        """Whether a name means the provider of `BACKBOARD_LLM_PROVIDER`, by its id or by an alias of it."""
        row = self.find_row(self._default_provider)
        return name == self._default_provider or (row is not None and row is self.find_row(name))

    async def _first_at_hand(self, model: str | None, keys: Mapping[str, Secret]) -> ModelChoice:
        """Return the first row with a key, else a host on this machine that answers, else `local`."""
        for row in self._preferred_rows:
            is_sure = row.needs_key or (row.is_at_hand and row.default_model)
            if is_sure and (row.id in keys or is_configured(row, self._environment)):
                return await self._with_model(self.host(row.id, keys), model)
        for row in self._preferred_rows:
            if self._may_be_running(row) and await self._first_models.find(self.host(row.id, keys)):
                return await self._with_model(self.host(row.id, keys), model)
        return local.CHOICE

    def _may_be_running(self, row: Row) -> bool:
        """Whether to ask: Ollama on its default address, others where the operator named theirs."""
        return not row.needs_key and (row.id == "ollama" or is_configured(row, self._environment))

    async def _with_model(self, host: Host, model: str | None) -> ModelChoice:
        model = model or host.row.default_model
        if not model and not host.row.needs_key:
            model = await self._first_models.find(host)
        if not model:
            raise Invalid(
                f"{host.row.id} has no default model: name one in model_name.", code="model_required"
            )
        return ModelChoice(host.row.id, model)

    def _stranger(self, name: str) -> Invalid:
        at_hand = ", ".join(sorted(self._configured))
        if is_known_unspoken(name):
            sentence = f"This release does not speak {name}'s protocol."
            return Invalid(f"{sentence} Configured here: {at_hand}.", code="provider_not_supported")
        return Invalid(f'There is no provider "{name}". Configured here: {at_hand}.', code="unknown_provider")
