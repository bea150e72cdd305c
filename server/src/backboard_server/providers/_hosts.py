"""A host: a row of the table as this environment configures it, with its address and its key."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from backboard_server.domain.errors import Invalid

from .table import Row


class Host:
    """Where a provider is, and the key that it is shown in the headers of calls and nowhere else."""

    __slots__ = ("_key", "base_url", "row")

    def __init__(self, row: Row, base_url: str, key: str) -> None:
        """`key` is empty where none is configured."""
        self.row = row
        self.base_url = base_url
        self._key = key

    def __repr__(self) -> str:
        return f"Host({self.row.id}, {self.base_url}, {'with a key' if self._key else 'without a key'})"

    @property
    def has_key(self) -> bool:
        """Whether a key is sent."""
        return bool(self._key)

    @property
    def key(self) -> str:
        """The key, for the wire to put into a header."""
        return self._key

    def scrub(self, text: str) -> str:
        """Return a text of the provider without the key."""
        return text.replace(self._key, "…") if self._key else text


def is_configured(row: Row, environment: Mapping[str, str]) -> bool:
    """Whether the key is set, or the address of a provider that needs none."""
    variable = row.key_variable if row.needs_key else row.base_url_variable
    return bool(environment.get(variable, "").strip())


def resolve(row: Row, environment: Mapping[str, str]) -> Host:
    """Return the host of a row.

    Raises Invalid (`provider_not_configured`) where a key or an address is missing, naming its variable.
    """
    key = environment.get(row.key_variable, "").strip()
    if row.needs_key and not key:
        raise _missing(f"{row.id} needs a key: set {row.key_variable}")
    base_url = environment.get(row.base_url_variable, "").strip() or row.base_url
    try:
        base_url = Template(base_url).substitute(environment)
    except KeyError as variable:
        raise _missing(f"{row.id} needs one more setting: set {variable.args[0]}") from None
    if not base_url:
        raise _missing(f"{row.id} needs an address: set {row.base_url_variable}")
    return Host(row, base_url.rstrip("/"), key)


def _missing(sentence: str) -> Invalid:
    remedy = 'and restart, or use llm_provider="local", which needs none'
    return Invalid(f"{sentence} {remedy}.", code="provider_not_configured")
