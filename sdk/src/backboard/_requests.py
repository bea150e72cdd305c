"""A request before it is HTTP: what is asked of which path, with which fields and files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Mapping, Union
from urllib.parse import quote
from uuid import UUID, uuid4

from pydantic import BaseModel

from ._uploads import OpenedUpload, Upload

Id = Union[str, UUID]

KEY_HEADER = "Idempotency-Key"
KEY_CHARACTERS_MAX = 255


@dataclass(frozen=True)
class Request:
    """One call of the API. Query and fields hold only what was given: None has been left out."""

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] | None = None
    uploads: tuple[Upload, ...] = ()
    headers: Mapping[str, str] = field(default_factory=lambda: {})

    def under(self, idempotency_key: str | None) -> Request:
        """Return the request under the caller's key, if there is one: under one key it has one outcome.

        Raises ValueError for a key that the server would not take.
        """
        if idempotency_key is None:
            return self
        is_text = idempotency_key.isascii() and idempotency_key.isprintable()
        if not (is_text and 1 <= len(idempotency_key) <= KEY_CHARACTERS_MAX):
            raise ValueError(f"An idempotency_key is 1 to {KEY_CHARACTERS_MAX} printable ASCII characters")
        return replace(self, headers={**self.headers, KEY_HEADER: idempotency_key})


def keyed(request: Request) -> Request:
    """Return the request as all its attempts are to be made: a POST without a key gets one of its own."""
    if request.method != "POST" or KEY_HEADER in request.headers:
        return request
    return request.under(uuid4().hex)


def path(*segments: Id) -> str:
    """Join ids and words to a path, each escaped.

    Raises ValueError for an empty or dotted segment: it would silently address another resource.
    """
    texts = [str(segment) for segment in segments]
    for text in texts:
        if text in ("", ".", ".."):
            raise ValueError(f"{text!r} is not an id")
    return "/" + "/".join(quote(text, safe="") for text in texts)


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are not None; an empty text, list or object is a value."""
    return {name: value for name, value in values.items() if value is not None}


def json_body(fields: Mapping[str, Any]) -> bytes:
    """Encode fields as JSON, with our models, ids and dates inside them."""
    return json.dumps(fields, default=_plain).encode()


def form_body(fields: Mapping[str, Any]) -> dict[str, str]:
    """Encode fields as form text: text as it is, everything else as JSON."""
    return {name: _form_text(value) for name, value in fields.items()}


def http_body(request: Request, uploads: list[OpenedUpload]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return headers and body in httpx's words: multipart where there are files, otherwise JSON, or none."""
    if uploads:
        # The boundary follows from the key: all attempts under one key have the same bytes.
        boundary = hashlib.sha256(request.headers.get(KEY_HEADER, "").encode()).hexdigest()
        kind = f"multipart/form-data; boundary={boundary}"
        return {"Content-Type": kind}, {"data": form_body(request.fields or {}), "files": uploads}
    if request.fields is None:
        return {}, {}
    return {"Content-Type": "application/json"}, {"content": json_body(request.fields)}


def _form_text(value: Any) -> str:
    return str(value) if isinstance(value, (str, UUID)) else json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form: give text, numbers, lists and dicts")
