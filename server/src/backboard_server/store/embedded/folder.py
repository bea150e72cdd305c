"""The data folder: made once, private, recognised by its marker, never taken from somebody else."""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from backboard_server.domain.errors import Invalid, Unavailable

from .account import Account

Role = Literal["owner", "app"]

UNFINISHED = ".unfinished"  # ends the name of what is being made, until it is renamed to what it is

_FORMAT = 1
_MARKER = "backboard.json"
_SECRETS = "secrets.json"
# An empty volume mounted as the data folder has the first; the second may be there before the server is.
_OF_NO_CONCERN = {"lost+found", "backboard.toml"}
_PASSWORD_BYTES = 24


class Marker(Struct, frozen=True):
    """What the marker file says: that the folder is ours, and how it is laid out."""

    format: int


class Passwords(Struct, frozen=True):
    """The passwords of the two database roles that may log in."""

    owner: str
    app: str


class OpenFolder:
    """A folder held open, so that programs reach it through us and not by its path.

    On Linux its address is `/proc/self/fd/N`: short enough for a Unix socket (107 bytes) at any depth, and
    reachable for an account that may not enter the folders above it. A child needs the descriptor passed on.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`; raises OSError when it is not there."""
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        is_linux = sys.platform == "linux"
        self.address = f"/proc/self/fd/{self.descriptor}" if is_linux else str(path)

    def close(self) -> None:
        """Let go of the folder; its address is void from here on."""
        os.close(self.descriptor)


class Folder:
    """A data folder: the paths inside it, and the small files that are ours alone."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist yet; symbolic links in it are followed once, here."""
        self.path = path.expanduser().resolve()
        self.cluster = self.path / "postgres"
        self.engine = self.path / "engine"
        self.lock = self.path / "server.lock"
        self.postgres_log = self.path / "postgres.log"

    def claim(self, account: Account) -> None:
        """Make the folder ours: private to `account` and marked; a folder that is ours stays as it is.

        Raises Invalid for a folder with contents that are not ours, and for one of a later format.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with one_at_a_time(self.path):
                if (self.path / _MARKER).exists():
                    self._check_format()
                    return
                self._check_empty()
                self.path.chmod(0o700)
                if not account.is_ours:
                    os.chown(self.path, account.uid, account.gid)
                self._write(_MARKER, msgspec.json.encode(Marker(format=_FORMAT)), account)
        except OSError as error:
            raise Invalid(
                f"{self.path} cannot be the data folder: {error.strerror}. "
                "Choose a folder that you may write to with --data-dir or BACKBOARD_DATA_DIR."
            ) from error

    def make_passwords(self, account: Account) -> None:
        """Draw the passwords, unless there are some from an initialisation that was cut short."""
        if not (self.path / _SECRETS).exists():
            passwords = Passwords(
                secrets.token_urlsafe(_PASSWORD_BYTES), secrets.token_urlsafe(_PASSWORD_BYTES)
            )
            self._write(_SECRETS, msgspec.json.encode(passwords), account)

    def passwords(self) -> Passwords:
        """Return the passwords of the database roles. Raises Unavailable without a readable secrets file."""
        path = self.path / _SECRETS
        try:
            return msgspec.json.decode(path.read_bytes(), type=Passwords)
        except (OSError, msgspec.DecodeError) as error:
            raise Unavailable(
                f"The database passwords in {path} cannot be read: {error}. Restore the file from a "
                "backup, or run as the user that the server runs as."
            ) from error

    def _check_format(self) -> None:
        path = self.path / _MARKER
        try:
            marker = msgspec.json.decode(path.read_bytes(), type=Marker)
        except msgspec.DecodeError as error:
            raise Invalid(f"{path} is damaged: {error}. Restore it from a backup.") from error
        if marker.format != _FORMAT:
            raise Invalid(
                f"{self.path} has the data format {marker.format}, and this server knows format {_FORMAT}. "
                "Run the server release that wrote it, or choose another --data-dir."
            )

    def _check_empty(self) -> None:
        strangers = [
            entry.name
            for entry in self.path.iterdir()
            if entry.name not in _OF_NO_CONCERN and not entry.name.endswith(UNFINISHED)
        ]
        if strangers:
            raise Invalid(
                f"{self.path} is not empty and not a Backboard data folder (it holds {min(strangers)}). "
                "Choose an empty or a new folder with --data-dir or BACKBOARD_DATA_DIR."
            )

    def _write(self, name: str, content: bytes, account: Account) -> None:
        """Write a file of mode 0600 so that it is there completely or not at all."""
        unfinished = self.path / (name + UNFINISHED)
        unfinished.unlink(missing_ok=True)
        # O_EXCL, O_NOFOLLOW: the account owns the folder, and must not lead root elsewhere by a link.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            if not account.is_ours:
                os.fchown(descriptor, account.uid, account.gid)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        unfinished.rename(self.path / name)
        sync_folder(self.path)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable: a rename is lost with the power until this returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def one_at_a_time(path: Path) -> Generator[None]:
    """Keep other processes out of here while something in a folder is made; the folder itself is the lock."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
