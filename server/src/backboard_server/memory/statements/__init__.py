"""Statements of rule: what a person says plainly of themselves, found in a message without any model."""

from .found import STATEMENTS_MAX, Found, statements_of

__all__ = ["STATEMENTS_MAX", "Found", "statements_of"]
