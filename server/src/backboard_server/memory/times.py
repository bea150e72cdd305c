"""When something was said: the application may know better than the clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backboard_server.domain.errors import Invalid

TIMESTAMP = "custom_timestamp"


def said_at(metadata: Mapping[str, Any] | None) -> datetime | None:
    """Return when a message was said by its `metadata.custom_timestamp`, in UTC; without a zone it is UTC.

    Raises Invalid for what is no time.
    """
    given = (metadata or {}).get(TIMESTAMP)
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Invalid(
            f"metadata.{TIMESTAMP} is no ISO 8601 time: send one such as 2026-05-07T09:30:00Z, or none."
        ) from None
