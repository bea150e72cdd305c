"""Keys of providers that you bring: written, and never shown again."""

from datetime import datetime
from typing import Optional

from typing_extensions import TypedDict

from ._record import Record


class ProviderKey(Record):
    """A provider that can be called: with a key of yours, or else with what the server itself has."""

    provider: str
    is_tenants: bool
    shown: Optional[str] = None
    created_at: Optional[datetime] = None
    updated_at: Optional[datetime] = None


class ProviderKeyDeleted(TypedDict):
    """What is left of a deleted key: a dict, as what other deletions leave."""

    message: str
    provider: str
    deleted_at: str
