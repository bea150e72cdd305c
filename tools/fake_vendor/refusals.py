"""Refusals: the faults in which the vendor answers with another status than 200."""

from __future__ import annotations

from email.utils import formatdate
from time import time

from .dialects import Dialect
from .script import AnyFault, Fault, Status
from .steps import json_response, whole
from .terms import Problem

_WAIT_SECONDS = 3_600


def refusal_of(fault: AnyFault | None, dialect: Dialect, credential: str) -> bytes | None:
    """Return the response of a refusal, or None; a 401 repeats the credential, as vendors are known to do."""
    status = _REFUSALS.get(fault) if isinstance(fault, Fault) else fault
    if not isinstance(status, Status):
        return None
    now = time()
    dates = {"{date}": now + _WAIT_SECONDS, "{past}": now - _WAIT_SECONDS}
    lines = status.headers
    for name, moment in dates.items():
        lines = tuple(line.replace(name, formatdate(moment, usegmt=True)) for line in lines)
    if status.body is not None:
        return whole(status.status, status.body, *lines, content_type=status.content_type)
    message = status.message.replace("{credential}", credential)
    return problem_response(Problem(status.status, status.kind, message), dialect, *lines)


def problem_response(problem: Problem, dialect: Dialect, *lines: str) -> bytes:
    """Return a problem as the vendor sends it; `lines` are further headers."""
    body = dialect.error_body(problem)
    return json_response(problem.status, body, *dialect.error_lines(problem), *lines)


def _too_fast(*lines: str) -> Status:
    return Status(status=429, kind="rate_limit", message="You are going too fast.", headers=lines)


def _server(status: int, message: str, *lines: str) -> Status:
    return Status(status=status, message=message, headers=lines)


_REFUSALS: dict[Fault, Status] = {
    Fault.UNAUTHORIZED: Status(
        status=401, kind="authentication", message="Incorrect API key provided: {credential}"
    ),
    Fault.FORBIDDEN: Status(status=403, kind="permission", message="This key may not use the model."),
    Fault.MODEL_MISSING: Status(status=404, kind="model_missing", message="The model does not exist."),
    Fault.CONTEXT_LENGTH: Status(
        status=400, kind="context_length", message="The maximum context length is 8192 tokens."
    ),
    Fault.REQUEST_TIMEOUT: Status(status=408, kind="timeout", message="The request took too long."),
    Fault.CONFLICT: Status(status=409, kind="conflict", message="The resource is locked."),
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
    Fault.OVERLOADED: Status(status=529, kind="overloaded", message="Overloaded."),
}
