"""Providers that the operator adds or changes by configuration: rows, read and checked at the start.

`backboard.toml` has a table `[providers.<id>]` for each; `BACKBOARD_PROVIDERS` holds the same as JSON, by id,
and goes before the file. Keys are never in them: a row names the variable that holds its key.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from backboard_server.domain.errors import Invalid

from . import local
from ._hosts import resolve
from .table import Dialect, Row, WireName, find_row

FILE = "backboard.toml"
VARIABLE = "BACKBOARD_PROVIDERS"
PROVIDERS_MAX = 200
_FILE_BYTES_MAX = 1_000_000
_TEXT_CHARACTERS_MAX = 500

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Json = dict[str, Any]


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator says of a provider; what is left out stays as the table has it."""

    base_url: str | None = None
    key_variable: str | None = None
    wire: WireName | None = None
    dialect: Dialect | None = None
    default_model: str | None = None
    label: str | None = None
    aliases: tuple[str, ...] = ()


def configured_rows(config: Path | None, data_dir: Path, variable: str | None) -> tuple[Row, ...]:
    """Return the operator's rows: those of the file, with those of the variable in front of them.

    Without `config` the file is that of the data folder, if there is one. Raises Invalid, which names the
    place, the provider and the field.
    """
    path = config.expanduser() if config else data_dir.expanduser() / FILE
    in_file = _providers_of(_content(path, is_required=config is not None), str(path))
    in_variable = _json(variable) if variable else {}
    places = dict.fromkeys(in_file, str(path)) | dict.fromkeys(in_variable, VARIABLE)
    entries = in_variable | {name: entry for name, entry in in_file.items() if name not in in_variable}
    if len(entries) > PROVIDERS_MAX:
        raise Invalid(f"{path} and {VARIABLE} name {len(entries)} providers; {PROVIDERS_MAX} is the most.")
    rows = tuple(_row(name, entry, f"{places[name]}, provider {name}") for name, entry in entries.items())
    _check_names(rows)
    return rows


def describe(row: Row, environment: Mapping[str, str]) -> str:
    """Return a sentence about a row in this environment. Raises Invalid where it cannot be called."""
    host = resolve(row, environment)
    key = f"with the key in {host.key_place}" if host.has_key or host.has_credentials else "without a key"
    return f"{host.shown_url} speaks {row.wire}, {key}."


def _content(path: Path, *, is_required: bool) -> bytes:
    """Read the file. That of the data folder may be left out, and must be ours.

    As root, the folder belongs to the account of Postgres, which must not tell us where keys are sent.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY if is_required else os.O_RDONLY | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file:
            owner = os.fstat(descriptor).st_uid
            content = file.read(_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        if is_required:
            raise Invalid(f"BACKBOARD_CONFIG names {path}, and there is no such file.") from None
        return b""
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from None
    if not is_required and owner not in (0, os.geteuid()):
        raise Invalid(
            f"{path} belongs to another account than the one that the server runs as. "
            "Change its owner, or name the file with BACKBOARD_CONFIG."
        )
    if len(content) > _FILE_BYTES_MAX:
        raise Invalid(f"{path} is longer than {_FILE_BYTES_MAX:,} bytes.")
    return content


def _providers_of(content: bytes, place: str) -> Json:
    try:
        settings = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"{place} is no TOML: {error}.") from None
    if strangers := settings.keys() - {"providers"}:
        raise Invalid(f"{place}: {min(strangers)} is not known. It holds tables [providers.<id>] alone.")
    return _by_id(settings.get("providers", {}), place)


def _json(text: str) -> Json:
    try:
        decoded: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Invalid(f"{VARIABLE} is no JSON.") from None
    return _by_id(decoded, VARIABLE)


def _by_id(providers: object, place: str) -> Json:
    if not isinstance(providers, dict):
        raise Invalid(f'{place}: providers are an object by id, such as {{"mycorp": {{"base_url": "…"}}}}.')
    return cast("Json", providers)


def _row(name: str, given: object, place: str) -> Row:
    """Return the row that an entry describes: a further one, or one of the table as the operator wants it."""
    if isinstance(given, Mapping) and "api_key" in given:
        raise Invalid(
            f"{place}: api_key is not taken, as files are copied and shared. Put the key into a variable of "
            "the environment and that variable's name into key_variable."
        )
    try:
        entry = msgspec.convert(given, _Entry)
    except msgspec.ValidationError as error:
        fields = ", ".join(_Entry.__struct_fields__)
        raise Invalid(f"{place}: {error}. Its fields are {fields}.") from None
    _check(name, entry, place)
    known = find_row(name)
    if known and known.id != name:
        raise Invalid(f"{place}: this is another name of {known.id}. Say what is to change under that one.")
    return _changed(known or _further(name, entry, place), entry)


def _further(name: str, entry: _Entry, place: str) -> Row:
    if not entry.base_url:
        raise Invalid(f"{place}: base_url is missing.")
    variable = "".join(letter if letter.isalnum() else "_" for letter in name.upper())
    row = Row(
        id=name,
        label=name,
        base_url=entry.base_url,
        base_url_variable=f"{variable}_BASE_URL",
        needs_key=False,
    )
    bedrock = find_row("amazon-bedrock")
    if entry.wire != "bedrock" or bedrock is None:
        return row
    # The same account at another address.
    return replace(bedrock, id=name, label=name, base_url_variable=f"{variable}_BASE_URL", aliases=())


def _changed(row: Row, entry: _Entry) -> Row:
    """Return a row with all that an entry says in the place of its own."""
    said: Json = {
        "base_url": entry.base_url.rstrip("/") if entry.base_url else None,
        "wire": entry.wire,
        "dialect": entry.dialect,
        "default_model": entry.default_model,
        "label": entry.label,
    }
    changes = {field: value for field, value in said.items() if value}
    if entry.key_variable is not None:
        changes["key_variables"] = (entry.key_variable,) if entry.key_variable else ()
        changes["credential_variables"] = ()
        changes["needs_key"] = bool(entry.key_variable)
    return replace(
        row,
        **changes,
        aliases=tuple(dict.fromkeys((*row.aliases, *entry.aliases))),
        has_responses=row.has_responses and not entry.wire,
        is_at_hand=entry.base_url is not None,
    )


def _check(name: str, entry: _Entry, place: str) -> None:
    """Raise Invalid for a field that cannot be."""
    for text in (name, *entry.aliases):
        if not _NAME.fullmatch(text) or text == local.PROVIDER:
            raise Invalid(
                f"{place}: {text!r} cannot be a name. Names are of lower-case letters, digits, dots, dashes "
                f"and underlines, up to 64, and not {local.PROVIDER}."
            )
    if entry.key_variable and not _VARIABLE_NAME.fullmatch(entry.key_variable):
        raise Invalid(
            f"{place}: key_variable is the name of a variable of the environment, such as MYCORP_API_KEY, "
            "and not the key."
        )
    for field in ("default_model", "label"):
        text = getattr(entry, field)
        if text is not None and not (
            text.strip() and text.isprintable() and len(text) <= _TEXT_CHARACTERS_MAX
        ):
            raise Invalid(f"{place}: {field} is one line of 1 to {_TEXT_CHARACTERS_MAX} characters.")
    if entry.base_url is not None and (reason := _fault_of(entry.base_url)):
        raise Invalid(f"{place}: base_url {reason}.")


def _fault_of(base_url: str) -> str | None:
    """Return what is wrong with an address, without a word of it: it may hold a password."""
    template = Template(base_url)
    if not template.is_valid():
        return "has a $ that begins no ${VARIABLE}; $$ stands for a $"
    if not base_url.isprintable() or " " in base_url:
        return "has blanks or control characters in it"
    try:
        address = urlsplit(template.substitute(dict.fromkeys(template.get_identifiers(), "1")))
        is_whole = bool(address.hostname) and address.port != 0
    except ValueError:
        return "is no address"
    if address.scheme not in ("http", "https") or not is_whole:
        return "begins with http:// or https:// and names a host"
    if address.username is not None or address.password is not None:
        return "has a user or a password in it; use key_variable"
    return "ends before any ? or #" if address.query or address.fragment else None


def _check_names(rows: tuple[Row, ...]) -> None:
    """Raise Invalid where two providers would share a name."""
    owners: dict[str, str] = {}
    for row in rows:
        for name in (row.id, *row.aliases):
            known = find_row(name)
            owner = owners.setdefault(name, row.id) if known is None or known.id == row.id else known.id
            if owner != row.id:
                raise Invalid(f"The alias {name} of provider {row.id} is already a name of {owner}.")
