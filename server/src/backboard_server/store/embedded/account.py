"""The system account that the embedded Postgres runs as: Postgres refuses to run as root."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from msgspec import Struct

from backboard_server.domain.errors import Invalid

_FALLBACKS = ("postgres", "nobody")


class Account(Struct, frozen=True):
    """An existing system account. `is_ours` when this very process runs as it."""

    name: str
    uid: int
    gid: int
    is_ours: bool


def choose_account(cluster: Path, wanted: str | None) -> Account:
    """Return the account for the cluster in the folder `cluster`, which need not exist yet.

    An ordinary user runs Postgres as itself. Root, which Postgres refuses, takes the owner of the existing
    cluster; else the account named `wanted`; else `postgres` where there is one; else `nobody`.
    Raises Invalid when the cluster belongs to somebody else, or `wanted` is of no use.
    """
    owner = _owner(cluster)
    we = os.geteuid()
    if we != 0:
        if owner and owner.st_uid != we:
            raise Invalid(
                f"The database in {cluster} belongs to {_name_of(owner.st_uid)}, and this is {_name_of(we)}. "
                f"Run the server as {_name_of(owner.st_uid)}, or choose another --data-dir."
            )
        return Account(_name_of(we), we, os.getegid(), is_ours=True)
    if owner:
        account = Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid, is_ours=False)
    else:
        account = _account_named(wanted)
    if account.uid == 0:
        raise Invalid(
            f"Postgres does not run as root, and {cluster} would have it do so. Name an unprivileged account "
            "in BACKBOARD_POSTGRES_ACCOUNT, and give it the folder if it exists."
        )
    return account


def _owner(cluster: Path) -> os.stat_result | None:
    try:
        return cluster.stat()
    except PermissionError as error:
        raise Invalid(
            f"{cluster.parent} belongs to another user. Run the command as the user that the server runs as, "
            "or choose another --data-dir."
        ) from error
    except OSError:
        return None  # no cluster here; if none can be made either, whoever makes it will say why


def _account_named(wanted: str | None) -> Account:
    for name in (wanted,) if wanted else _FALLBACKS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_ours=False)
    raise Invalid(
        f"There is no system account {' or '.join((wanted,) if wanted else _FALLBACKS)}. "
        "Postgres does not run as root: name an existing unprivileged account in BACKBOARD_POSTGRES_ACCOUNT."
    )


def _name_of(uid: int) -> str:
    """Return the account's name, or its number: containers often run as a user without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
