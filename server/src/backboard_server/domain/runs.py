"""Runs: what one message sets off, and the models that it tried on the way to an answer."""

from __future__ import annotations

from msgspec import Struct


class Attempt(Struct, frozen=True, kw_only=True):
    """A model that a run asked. Without `error_code` it is the one that answered."""

    model_provider: str
    model_name: str
    error_code: str | None = None
    error: str | None = None
