"""What several resources share: how a response is read from a noun, and how a page is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict

SKIP_MAX = 10_000
LIMIT_MAX = 200

Skip = Annotated[int, Query(ge=0, le=SKIP_MAX, description="How many to leave out from the start.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many to return at most.")]


class Shape(BaseModel):
    """A response, read from a noun by attribute."""

    model_config = ConfigDict(from_attributes=True)


def now() -> datetime:
    """Return the present, in UTC."""
    return datetime.now(UTC)
