"""Keys of providers that a tenant brings: written, and never shown again."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from .errors import Invalid
from .keys import Secret

KEY_CHARACTERS_MAX = 4096

_KEY = re.compile(r"[\x21-\x7e]+")  # what a header may carry, and no space


class ProviderKey(Struct, frozen=True, kw_only=True):
    """A key as stored, without the key: enough to recognise it."""

    provider: str
    shown: str
    created_at: datetime
    updated_at: datetime


def checked(text: str) -> Secret:
    """Return a key that may be sent as a header. Raises Invalid, in words that do not repeat it."""
    if len(text) > KEY_CHARACTERS_MAX or not _KEY.fullmatch(text):
        raise Invalid(
            f"A key is a line of 1 to {KEY_CHARACTERS_MAX} ASCII characters without spaces: copy it again, "
            "and nothing around it."
        )
    return Secret(text)
