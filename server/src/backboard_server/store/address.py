"""Where a Postgres is and as whom to enter it: the embedded one by its socket, an external one by its URL."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

APP_ROLE = "backboard_app"  # owns nothing and bypasses nothing: row-level security binds it
SCHEMA = "backboard"


class Address(Struct, frozen=True, kw_only=True):
    """How to connect. Either `url`, or `host` (a host name or the folder of a Unix socket) with the rest.

    `role` is entered at the start of the session when the user that connects is another one, as with an
    external database that was given by a single URL.
    """

    url: str | None = None
    host: str | None = None
    port: int = 5432
    user: str | None = None
    password: str | None = None
    database: str | None = None
    role: str | None = None

    def __repr__(self) -> str:
        """Show where, never the password."""
        return f"Address(host={self.host!r}, user={self.user!r}, role={self.role!r})"

    def connect_arguments(self) -> dict[str, Any]:
        """Return the arguments of `asyncpg.connect`."""
        settings = {"search_path": f"{SCHEMA}, public", "application_name": "backboard", "timezone": "UTC"}
        if self.role:
            settings["role"] = self.role
        if self.url:
            return {"dsn": self.url, "server_settings": settings}
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "server_settings": settings,
        }


def external(url: str, *, as_app: bool) -> Address:
    """Return the address of an external Postgres: as the user of its URL, or as the application's role."""
    return Address(url=url, role=APP_ROLE if as_app else None)
