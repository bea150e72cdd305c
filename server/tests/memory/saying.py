"""What is found in a message that a user wrote on 10 January 2023, in short."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from backboard_server.memory.statements import Found, statements_of

SAID_AT = datetime(2023, 1, 10, tzinfo=UTC)
MESSAGE_ID = UUID(int=7)


def found_in(text: str) -> Found:
    return statements_of(text, role="user", message_id=MESSAGE_ID, said_at=SAID_AT)


def facts_in(text: str) -> list[str]:
    """Each statement as "slot=value", with a "!" before it where it takes something back."""
    return [f"{'!' * each.is_over}{each.slot}={each.value}" for each in found_in(text).statements]
