"""Tokens as vendors count them: figures that nobody can have meant are as good as none."""

from __future__ import annotations

from msgspec.structs import astuple

from backboard_server.domain.prompts import Usage

_TOKENS_MAX = 1_000_000_000  # a larger count is a fault of the host


def credible(usage: Usage, *parts: int) -> Usage | None:
    """Return a usage whose figures can be true, or None; `parts` are figures that it was summed from."""
    figures = (*astuple(usage), *parts)
    return usage if all(0 <= figure <= _TOKENS_MAX for figure in figures if figure) else None
