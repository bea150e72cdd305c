"""A host: a row of the table as this environment configures it, with its address and its key."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from urllib.parse import urlsplit

from backboard_server.domain.errors import Invalid
from backboard_server.domain.keys import Secret

from .table import Row

_CREDENTIALS_REQUIRED = 2  # a name and a secret; what follows, such as a session token, is optional


class Host:
    """Where a provider is, and the key that it is shown in the headers of calls and nowhere else."""

    __slots__ = ("_key", "base_url", "is_tenants_key", "row", "settings")

    def __init__(
        self,
        row: Row,
        base_url: str,
        key: str,
        settings: Mapping[str, str] | None = None,
        *,
        is_tenants_key: bool = False,
    ) -> None:
        """`key` is empty where none is configured; `settings` are the row's further variables."""
        self.row = row
        self.base_url = base_url
        self.settings = settings or {}
        self.is_tenants_key = is_tenants_key
        self._key = key

    def __repr__(self) -> str:
        return f"Host({self.row.id}, {self.shown_url}, {'with a key' if self._key else 'without a key'})"

    @property
    def has_key(self) -> bool:
        """Whether a key is sent."""
        return bool(self._key)

    @property
    def key(self) -> str:
        """The key, for the wire to put into a header."""
        return self._key

    def authorization(self) -> dict[str, str]:
        """Return the header that shows the key over OpenAI's protocols, if there is a key.

        Azure has one of its own (learn.microsoft.com/azure/foundry/openai).
        """
        if not self._key:
            return {}
        if self.row.dialect == "azure":
            return {"api-key": self._key}
        return {"Authorization": f"Bearer {self._key}"}

    @property
    def key_place(self) -> str:
        """Where the key is set, for sentences about it."""
        if self.is_tenants_key:
            return f"your own key for {self.row.id}"
        if self.has_credentials and not self._key:
            return " and ".join(self.row.credential_variables[:_CREDENTIALS_REQUIRED])
        return self.row.key_variable or self.row.base_url_variable

    @property
    def has_credentials(self) -> bool:
        """Whether there are credentials that stand for a key."""
        return _has_credentials(self.row, self.settings)

    @property
    def shown_url(self) -> str:
        """The address for sentences: without a user and a password."""
        who = self._user_and_password()
        return self.base_url.replace(f"{who}@", "", 1) if who else self.base_url

    def scrub(self, text: str) -> str:
        """Return a text of the provider without what is secret."""
        credentials = (self.settings.get(name, "") for name in self.row.credential_variables)
        password = self._user_and_password().partition(":")[2]
        # The longest first, as one may be part of another.
        for secret in sorted({self._key, password, *credentials} - {""}, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def _user_and_password(self) -> str:
        # By hand, as no address is so odd that an error message may fail over it.
        return self.base_url.partition("://")[2].partition("/")[0].rpartition("@")[0]


def is_configured(row: Row, environment: Mapping[str, str]) -> bool:
    """Whether the key is set (or what stands for one), or the address of a provider that needs none."""
    if not row.needs_key:
        return row.is_at_hand or bool(_value(environment, row.base_url_variable))
    return bool(_key_of(row, environment)) or _has_credentials(row, environment)


def resolve(
    row: Row, environment: Mapping[str, str], own_key: Secret | None = None, *, own_address: str | None = None
) -> Host:
    """Return the host of a row; `own_key` is the tenant's, and goes before all that the server has.

    `own_address` is that of a single model. An address in the environment goes before it: who sets one wants
    the key to be sent there and nowhere else.
    Raises Invalid (`provider_not_configured`) where a key or an address is missing, naming its variable.
    """
    key = own_key.reveal() if own_key else _key_of(row, environment)
    if row.needs_key and not key and not _has_credentials(row, environment):
        raise _missing(row, row.key_variable)
    names = row.settings.keys() if own_key else {*row.credential_variables, *row.settings}
    settings = row.settings | {name: value for name in names if (value := _value(environment, name))}
    base_url = _completed(_chosen_url(row, environment) or own_address or row.base_url, row, environment)
    return Host(row, base_url.rstrip("/"), key, settings, is_tenants_key=own_key is not None)


def _chosen_url(row: Row, environment: Mapping[str, str]) -> str:
    """Return the address that the environment gives, as a whole or without its path; empty for none."""
    whole, site = _value(environment, row.base_url_variable), _value(environment, row.site_variable)
    if whole or not site:
        return whole
    path = urlsplit(row.base_url).path
    return site.rstrip("/").removesuffix(path) + path


def _completed(base_url: str, row: Row, environment: Mapping[str, str]) -> str:
    """Return an address with its `${VARIABLE}`s filled in."""
    template = Template(base_url)
    given = {name: _value(environment, name) or row.settings.get(name) for name in template.get_identifiers()}
    try:
        completed = template.substitute({name: value for name, value in given.items() if value})
    except KeyError as variable:
        raise _missing(row, variable.args[0]) from None
    except ValueError:
        raise Invalid(
            f"The address of {row.id} has a $ that begins no ${{VARIABLE}}: see to {row.base_url_variable}, "
            "where $$ stands for a $.",
            code="provider_not_configured",
        ) from None
    if not completed:
        raise _missing(row, row.base_url_variable)
    return completed


def _key_of(row: Row, environment: Mapping[str, str]) -> str:
    found = (_value(environment, name) for name in row.key_variables)
    return next((key for key in found if key), "")


def _has_credentials(row: Row, environment: Mapping[str, str]) -> bool:
    required = row.credential_variables[:_CREDENTIALS_REQUIRED]
    return bool(required) and all(_value(environment, name) for name in required)


def _value(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip()


def _missing(row: Row, variable: str) -> Invalid:
    remedy = 'and restart, or use llm_provider="local", which needs none'
    own = f" A tenant may also give its own with PUT /provider-keys/{row.id}." if row.needs_key else ""
    return Invalid(
        f"{row.id} needs more to be called: set {variable} {remedy}.{own}", code="provider_not_configured"
    )
