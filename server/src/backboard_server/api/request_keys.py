"""Idempotency-Key: a POST that comes twice with the same key does its work once.

What a request makes gets an id that is drawn with the key, before any work: whoever carries the request out
again, after a crash or beside the first, makes the same thing. Messages and outputs of tools claim their keys
in their own transactions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import UploadFile

from backboard_server.domain.errors import BackboardError, Unavailable
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import RequestKey
from backboard_server.store.database import Database
from backboard_server.store.request_keys import claim_key, release_key, update_answer

HEADER = "idempotency-key"
CHARACTERS_MAX = 255
_PIECE_BYTES = 1 << 20

Answering = Callable[[Request], Awaitable[Response]]


async def request_key(
    request: Request, fields: Mapping[str, Any], files: Iterable[UploadFile] = ()
) -> RequestKey | None:
    """Return the key of a request whose body has been read, if it has one. Raises RequestValidationError."""
    key = _key(request)
    if key is None:
        return None
    content = hashlib.sha256(msgspec.json.encode(fields, order="deterministic"))
    for file in files:
        content.update(msgspec.json.encode([file.filename, file.size]))
        while piece := await file.read(_PIECE_BYTES):
            content.update(piece)
        await file.seek(0)
    return RequestKey(key=key, fingerprint=_fingerprint(request, content.digest()))


async def answer_once(database: Database, caller: Caller, request: Request, answering: Answering) -> Response:
    """Answer a POST that makes one thing: with the first answer, where the same request came before."""
    key = _key(request)
    if key is None:
        return await answering(request)
    claim = RequestKey(
        key=key, fingerprint=_fingerprint(request, hashlib.sha256(await request.body()).digest())
    )
    made_id = new_id()
    first = await claim_key(database, caller.tenant_id, claim, made_id)
    if first is not None and first.status is not None:
        return Response(first.answer, first.status, media_type="application/json")
    request.state.made_id = made_id if first is None else first.made_id
    try:
        response = await answering(request)
    except (BackboardError, RequestValidationError) as error:
        if not isinstance(error, Unavailable):
            await release_key(database, caller.tenant_id, claim)
        raise
    if not getattr(request.state, "keeps_no_answer", False):
        answer = bytes(response.body).decode()
        await update_answer(database, caller.tenant_id, claim, response.status_code, answer)
    return response


async def _made_id(request: Request) -> UUID:
    made_id: UUID | None = getattr(request.state, "made_id", None)
    return made_id or new_id()


MadeId = Annotated[UUID, Depends(_made_id)]
"""The id of what a request makes: the same one whenever the request comes with the same key."""


async def _keep_no_answer(request: Request) -> None:
    request.state.keeps_no_answer = True


KEEPS_NO_ANSWER = Depends(_keep_no_answer)
"""For an operation whose answer has a secret: it is carried out again, with the same `MadeId`."""


def _key(request: Request) -> str | None:
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not (1 <= len(key) <= CHARACTERS_MAX and key.isascii() and key.isprintable()):
        finding = {
            "loc": ("header", "Idempotency-Key"),
            "msg": f"must be 1 to {CHARACTERS_MAX} printable ASCII characters, such as a UUID",
            "type": "value_error",
        }
        raise RequestValidationError([finding])
    return key


def _fingerprint(request: Request, content: bytes) -> str:
    path = f"{request.method} {request.scope['path']}?{request.url.query}"
    return hashlib.sha256(path.encode() + b"\0" + content).hexdigest()
