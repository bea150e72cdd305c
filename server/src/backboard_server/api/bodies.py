"""Bodies: what a request may carry, read within bounds and checked before anything else sees it."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from backboard_server.domain.errors import Limit

TEXT_BODY_BYTES_MAX = (
    16 * 1024 * 1024
)  # JSON and urlencoded; files come as multipart, with a limit of their own
FILES_MAX = 20
FIELDS_MAX = 200
JSON_DEPTH_MAX = 64

_MULTIPART = "multipart/form-data"
_URLENCODED = "application/x-www-form-urlencoded"

AnyBody = TypeVar("AnyBody", bound="Body")


class Body(BaseModel):
    """A request body: unknown fields are ignored, text that cannot be stored is refused by name."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        _check_storable(value)
        return value


def _check_storable(value: object) -> None:
    """Refuse NUL characters, halves of surrogate pairs, numbers that are none, and nesting without end."""
    pending: list[tuple[object, str, int]] = [(value, "", 0)]
    while pending:
        item, path, depth = pending.pop()
        if depth > JSON_DEPTH_MAX:
            raise ValueError(f"{path[:80]} is nested deeper than {JSON_DEPTH_MAX} levels")
        if isinstance(item, str):
            _check_text(item, path)
        elif isinstance(item, float) and not math.isfinite(item):
            raise ValueError(f"{path} is no number that JSON knows: send a finite one")
        elif isinstance(item, dict):
            for key, child in item.items():  # pyright: ignore[reportUnknownVariableType] - any JSON
                _check_text(str(key), path)  # pyright: ignore[reportUnknownArgumentType] - any JSON
                pending.append((child, f"{path}.{key}" if path else str(key), depth + 1))  # pyright: ignore[reportUnknownArgumentType] - any JSON
        elif isinstance(item, list):
            for number, child in enumerate(item):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
                pending.append((child, f"{path}[{number}]", depth + 1))  # pyright: ignore[reportUnknownArgumentType] - any JSON


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise ValueError(f"{path or 'a key'} holds a NUL character, which cannot be stored: remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{path or 'a key'} holds half a surrogate pair, which is not text: remove it"
        ) from None


def from_json_text(value: object) -> object:
    """Return what a form's text stands for: objects and lists come as JSON there, an empty field as none."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        decoded: object = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"is not valid JSON: {error}") from error
    _check_storable(decoded)
    return decoded


def _without_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


JsonObject = Annotated[dict[str, Any] | None, BeforeValidator(from_json_text)]
Name = Annotated[str | None, BeforeValidator(_without_blank)]
Id = Annotated[UUID | None, BeforeValidator(_without_blank)]


class Sent(msgspec.Struct, frozen=True):
    """A body in any of the three encodings: its fields, its files, and the form to close."""

    fields: dict[str, Any]
    files: list[UploadFile]
    form: FormData | None = None

    async def close(self) -> None:
        """Delete the temporary files."""
        if self.form is not None:
            await self.form.close()


async def read_body(request: Request) -> Sent:
    """Read a body as JSON, urlencoded or multipart, within bounds.

    Raises Limit (413), HTTPException 400 for a broken form, 415 for another type, and RequestValidationError.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _MULTIPART:
        form = await request.form(
            max_files=FILES_MAX, max_fields=FIELDS_MAX, max_part_size=TEXT_BODY_BYTES_MAX
        )
        return _from_form(form)
    if media_type == _URLENCODED:
        _check_length(int(request.headers.get("content-length") or 0))
        return _from_form(await request.form(max_fields=FIELDS_MAX, max_part_size=TEXT_BODY_BYTES_MAX))
    if media_type in ("", "application/json") or media_type.endswith("+json"):
        return Sent(_json_object(await _bytes(request)), [])
    raise HTTPException(
        415,
        f"The content type {media_type[:80]!r} is not supported: "
        f"send {_MULTIPART}, {_URLENCODED} or application/json.",
    )


def validated(kind: type[AnyBody], fields: dict[str, Any]) -> AnyBody:
    """Return the body as `kind`. Raises RequestValidationError, which names each field that is wrong."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(
            [finding | {"loc": ("body", *finding["loc"])} for finding in error.errors(include_url=False)]
        ) from error


def _from_form(form: FormData) -> Sent:
    fields: dict[str, Any] = {}
    files: list[UploadFile] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append(value)
        else:
            fields[name] = value
    return Sent(fields, files, form)


async def _bytes(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        _check_length(size)
        parts.append(part)
    return b"".join(parts)


def _check_length(size: int) -> None:
    if size > TEXT_BODY_BYTES_MAX:
        raise Limit(
            f"The body is larger than {TEXT_BODY_BYTES_MAX // 1024 // 1024} MiB. "
            f"Send less text, or files as {_MULTIPART}.",
            code="body_too_large",
            is_size=True,
        )


def _json_object(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        return {}
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        finding = {"loc": ("body",), "msg": f"The body is not valid JSON: {error}", "type": "json_invalid"}
        raise RequestValidationError([finding]) from error
    if not isinstance(value, dict):
        finding = {"loc": ("body",), "msg": "The body must be a JSON object", "type": "dict_type"}
        raise RequestValidationError([finding])
    return value  # pyright: ignore[reportUnknownVariableType] - JSON object keys are text
