"""What a client is made from: arguments first, then the environment, then the defaults of a local server."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Mapping, Union

from .exceptions import BackboardConfigurationError

if TYPE_CHECKING:
    import httpx

Timeout = Union[float, "httpx.Timeout", None]
"""Seconds of silence, or httpx's own word for finer control; None means the client's default."""

API_KEY_VARIABLE = "BACKBOARD_API_KEY"
BASE_URL_VARIABLE = "BACKBOARD_BASE_URL"
BASE_URL_DEFAULT = "http://127.0.0.1:8000/api"
RETRIES_DEFAULT = 2


@dataclass(frozen=True)
class Options:
    """A client's settings, resolved; the key stands in the headers and is kept out of `repr`."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout: Timeout
    max_retries: int


def resolve(
    api_key: str | None,
    base_url: str | None,
    timeout: Timeout,
    max_retries: int,
    default_headers: Mapping[str, str] | None,
) -> Options:
    """Fill in what the caller left out. Raises BackboardConfigurationError where that leaves a gap."""
    key = (api_key or os.environ.get(API_KEY_VARIABLE) or "").strip()
    if not key:
        raise BackboardConfigurationError(
            f"No API key: pass api_key=… or set {API_KEY_VARIABLE}; a server prints one at its first start."
        )
    if not (key.isascii() and key.isprintable()):
        raise BackboardConfigurationError("The API key holds characters that a key cannot have.")
    url = base_url or os.environ.get(BASE_URL_VARIABLE) or BASE_URL_DEFAULT
    if not url.startswith(("http://", "https://")):
        raise BackboardConfigurationError(
            f"{url!r} is no base URL: pass base_url=… or set {BASE_URL_VARIABLE}, such as {BASE_URL_DEFAULT}."
        )
    if max_retries < 0:
        raise BackboardConfigurationError(
            f"max_retries is {max_retries}; the least is 0, which means one attempt."
        )
    headers = {"X-API-Key": key, "Accept": "application/json, text/event-stream", **(default_headers or {})}
    return Options(url.rstrip("/"), headers, timeout, max_retries)
