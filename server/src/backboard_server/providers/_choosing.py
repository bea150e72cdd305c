"""Which model is meant: the one that a request names, or this server's default for what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping

from backboard_server.domain.errors import Invalid
from backboard_server.domain.prompts import ModelChoice

from . import local
from ._hosts import Host, is_configured, resolve
from ._listing import FirstModels
from .table import OUR_ROWS, Row, find_row, is_known_unspoken, list_rows


class Choosing:
    """Reads names case-insensitively against the table and the environment."""

    def __init__(self, environment: Mapping[str, str], first_models: FirstModels) -> None:
        """`environment` holds the keys, the base URLs and the server's own default."""
        self._environment = environment
        self._first_models = first_models
        self._default_provider = environment.get("BACKBOARD_LLM_PROVIDER", "").strip().lower()
        self._default_model = environment.get("BACKBOARD_MODEL_NAME", "").strip()
        self._hosts: dict[str, Host] = {}

    async def choose(self, provider: str | None, model: str | None) -> ModelChoice:
        """Return the model to call; raises Invalid as `Providers.choose` says."""
        name = (provider or "").strip().lower() or self._default_provider
        if not provider or name == self._default_provider:
            model = model or self._default_model
        if not name:
            return await self._first_at_hand(model)
        if name == local.PROVIDER:
            return local.CHOICE
        return await self._with_model(self.host(name), model)

    def host(self, provider: str) -> Host:
        """Return the host of a provider by its name in lower case.

        Raises Invalid: `unknown_provider`, `provider_not_supported` or `provider_not_configured`.
        """
        host = self._hosts.get(provider)
        if host is None:
            row = find_row(provider)
            if row is None:
                raise self._stranger(provider)
            host = self._hosts[provider] = resolve(row, self._environment)
        return host

    async def _first_at_hand(self, model: str | None) -> ModelChoice:
        """Return the first row with a key, else a host on this machine that answers, else `local`."""
        for row in OUR_ROWS:
            if row.needs_key and is_configured(row, self._environment):
                return await self._with_model(self.host(row.id), model)
        for row in OUR_ROWS:
            if self._may_be_running(row) and (first := await self._first_models.find(self.host(row.id))):
                return ModelChoice(row.id, model or first)
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
        configured = [row.id for row in list_rows() if is_configured(row, self._environment)]
        at_hand = ", ".join([*configured, local.PROVIDER])
        if is_known_unspoken(name):
            sentence = f"This release does not speak to {name} yet, only to OpenAI-compatible providers."
            return Invalid(f"{sentence} Configured here: {at_hand}.", code="provider_not_supported")
        return Invalid(f'There is no provider "{name}". Configured here: {at_hand}.', code="unknown_provider")
