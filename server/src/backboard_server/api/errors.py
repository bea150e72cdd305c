"""Failures on the wire: each kind gets its status, and a body that says what happened and what to do.

The body is always a JSON object: `detail` is a sentence (or, for 422, FastAPI's list of findings), `code` a
stable word for programs, `request_id` what to quote to whoever runs the server.
"""

from __future__ import annotations

import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from backboard_server.domain import errors, tracing

_STATUS: dict[type[errors.BackboardError], int] = {
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Invalid: 400,
    errors.Conflict: 409,
    errors.TakenOver: 409,
    errors.Cancelled: 409,
    errors.BudgetSpent: 402,
    errors.Unavailable: 503,
}
_UPSTREAM_STATUS: dict[errors.UpstreamKind, int] = {
    "unreachable": 502,
    "timeout": 504,
    "rejected_key": 502,
    "rate_limited": 429,
    "spend_limit": 402,
    "context_length": 400,
    "model_missing": 400,
    "content_policy": 400,
    "rejected_request": 400,
    "failed": 502,
    "malformed": 502,
    "truncated": 502,
    "circuit_open": 503,
    "invalid_output": 502,
}
_UNAVAILABLE_RETRY_SECONDS = 2


class ErrorBody(BaseModel):
    """What went wrong, and what to do."""

    detail: str
    code: str
    request_id: str | None = None


class Finding(BaseModel):
    """One thing that is wrong with a request."""

    loc: list[str | int]
    msg: str
    type: str


class ValidationErrorBody(BaseModel):
    """What is wrong with a request, field by field."""

    detail: list[Finding]
    code: str = "validation_error"
    request_id: str | None = None


# For OpenAPI: what every endpoint may answer beside its own.
RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request cannot be carried out as it stands."},
    401: {"model": ErrorBody, "description": "Invalid or missing API key."},
    404: {"model": ErrorBody, "description": "Unknown, deleted, or another tenant's."},
    422: {
        "model": ValidationErrorBody,
        "description": "The request is malformed; each finding names its field.",
    },
    503: {"model": ErrorBody, "description": "The server cannot serve for now; see Retry-After."},
}


def status_of(error: errors.BackboardError) -> int:
    """Return the HTTP status of a failure."""
    if isinstance(error, errors.Limit):
        return 413 if error.is_size else 429
    if isinstance(error, errors.Upstream):
        return _UPSTREAM_STATUS[error.kind]
    return _STATUS.get(type(error), 500)


def install(app: FastAPI) -> None:
    """Let every failure end in one of these bodies."""
    app.add_exception_handler(errors.BackboardError, _on_backboard_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_missing_body)
    app.add_exception_handler(Exception, _on_unexpected_error)


def error_response(
    status: int, detail: str, code: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return a failure's response."""
    body = {"detail": detail, "code": code, "request_id": tracing.request_id.get()}
    return JSONResponse(body, status, headers)


def _on_backboard_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.BackboardError)  # noqa: S101 - as registered
    headers: dict[str, str] = {}
    if isinstance(error, errors.Upstream | errors.Limit) and error.retry_after_seconds is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    elif isinstance(error, errors.Unavailable):
        headers["Retry-After"] = str(_UNAVAILABLE_RETRY_SECONDS)
    elif isinstance(error, errors.Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return error_response(status_of(error), error.message, error.error_code, headers)


def _on_validation_error(_request: Request, error: Exception) -> JSONResponse:
    """Return FastAPI's list without the input itself, which may be large, secret, or not JSON."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered
    findings = [
        {"loc": [*finding["loc"]], "msg": finding["msg"], "type": finding["type"]}
        for finding in error.errors()
    ]
    body = {"detail": findings, "code": "validation_error", "request_id": tracing.request_id.get()}
    return JSONResponse(body, 422)


def _on_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    codes = {
        404: "not_found",
        405: "method_not_allowed",
        413: "body_too_large",
        415: "unsupported_media_type",
    }
    code = codes.get(error.status_code, "http_error")
    return error_response(error.status_code, str(error.detail), code, dict(error.headers or {}))


def _on_missing_body(_request: Request, _error: Exception) -> JSONResponse:
    """Answer a client that stopped sending: it may still be listening."""
    return error_response(408, "The request's body stopped arriving. Send it whole.", "body_incomplete")


def _on_unexpected_error(_request: Request, _error: Exception) -> JSONResponse:
    """Answer for a bug of ours; the server's own error middleware logs it with its traceback."""
    detail = "The server met an error of its own. Try again, and report the request id if it happens again."
    return error_response(500, detail, "internal_error")
