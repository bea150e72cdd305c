"""Refusals: the faults in which the vendor answers with another status than 200."""

from __future__ import annotations

from email.utils import formatdate
from time import time

from msgspec import Struct

from .render import error
from .script import Fault
from .steps import json_response

_WAIT_SECONDS = 3_600


class _Refusal(Struct, frozen=True):
    """A status, the vendor's words and perhaps a Retry-After, where `{date}` is the time to wait for."""

    status: int
    kind: str
    code: str
    message: str
    retry_after: str = ""


def refusal_of(fault: Fault | None, credential: str) -> bytes | None:
    """Return the response of a refusal, or None; a 401 repeats the credential, as vendors are known to do."""
    refusal = _REFUSALS.get(fault)
    if refusal is None:
        return None
    message = f"{refusal.message} {credential}" if fault is Fault.UNAUTHORIZED else refusal.message
    date = formatdate(time() + _WAIT_SECONDS, usegmt=True)
    lines = (refusal.retry_after.format(date=date),) if refusal.retry_after else ()
    return json_response(refusal.status, error(message, refusal.kind, refusal.code), *lines)


def _too_fast(retry_after: str = "") -> _Refusal:
    return _Refusal(429, "rate_limit_error", "rate_limit_exceeded", "You are going too fast.", retry_after)


def _server(status: int, message: str, retry_after: str = "") -> _Refusal:
    return _Refusal(status, "server_error", "server_error", message, retry_after)


def _invalid(status: int, code: str, message: str) -> _Refusal:
    return _Refusal(status, "invalid_request_error", code, message)


_REFUSALS: dict[Fault | None, _Refusal] = {
    Fault.UNAUTHORIZED: _invalid(401, "invalid_api_key", "Incorrect API key provided:"),
    Fault.FORBIDDEN: _invalid(403, "permission_denied", "This key may not use the model."),
    Fault.MODEL_MISSING: _invalid(404, "model_not_found", "The model does not exist."),
    Fault.CONTEXT_LENGTH: _invalid(400, "context_length_exceeded", "The context holds 8192 tokens at most."),
    Fault.REQUEST_TIMEOUT: _server(408, "The request took too long."),
    Fault.CONFLICT: _server(409, "The resource is locked."),
    Fault.RATE_LIMITED: _too_fast(),
    Fault.RATE_LIMITED_SECONDS: _too_fast("Retry-After: 7"),
    Fault.RATE_LIMITED_DATE: _too_fast("Retry-After: {date}"),
    Fault.RATE_LIMITED_MILLISECONDS: _too_fast("retry-after-ms: 1500"),
    Fault.RATE_LIMITED_ZERO: _too_fast("Retry-After: 0"),
    Fault.RATE_LIMITED_HOUR: _too_fast(f"Retry-After: {_WAIT_SECONDS}"),
    Fault.RATE_LIMITED_GARBAGE: _too_fast("Retry-After: soon, we hope"),
    Fault.SERVER_ERROR: _server(500, "The server had an error."),
    Fault.BAD_GATEWAY: _server(502, "The model is not reachable."),
    Fault.UNAVAILABLE: _server(503, "The engine is busy.", "Retry-After: 2"),
    Fault.GATEWAY_TIMEOUT: _server(504, "The model took too long."),
    Fault.OVERLOADED: _server(529, "Overloaded."),
}
