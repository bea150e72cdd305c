"""Refusals: the faults in which the vendor answers with another status than 200."""

from __future__ import annotations

from email.utils import formatdate
from time import time

from msgspec import Struct
from msgspec.structs import replace

from .dialects import Dialect
from .script import Fault
from .steps import json_response
from .terms import Problem, ProblemKind

_WAIT_SECONDS = 3_600


class _Refusal(Struct, frozen=True):
    """A problem and perhaps a Retry-After, where `{date}` is the time to wait for."""

    problem: Problem
    retry_after: str = ""


def refusal_of(fault: Fault | None, dialect: Dialect, credential: str) -> bytes | None:
    """Return the response of a refusal, or None; a 401 repeats the credential, as vendors are known to do."""
    refusal = _REFUSALS.get(fault)
    if refusal is None:
        return None
    problem = refusal.problem
    if fault is Fault.UNAUTHORIZED:
        problem = replace(problem, message=f"{problem.message} {credential}")
    date = formatdate(time() + _WAIT_SECONDS, usegmt=True)
    lines = (refusal.retry_after.format(date=date),) if refusal.retry_after else ()
    return problem_response(problem, dialect, *lines)


def problem_response(problem: Problem, dialect: Dialect, *lines: str) -> bytes:
    """Return a problem as the vendor sends it; `lines` are further headers."""
    body = dialect.error_body(problem)
    return json_response(problem.status, body, *dialect.error_lines(problem), *lines)


def _problem(status: int, kind: ProblemKind, message: str, retry_after: str = "") -> _Refusal:
    return _Refusal(Problem(status, kind, message), retry_after)


def _too_fast(retry_after: str = "") -> _Refusal:
    return _problem(429, "rate_limit", "You are going too fast.", retry_after)


_REFUSALS: dict[Fault | None, _Refusal] = {
    Fault.UNAUTHORIZED: _problem(401, "authentication", "Incorrect API key provided:"),
    Fault.FORBIDDEN: _problem(403, "permission", "This key may not use the model."),
    Fault.MODEL_MISSING: _problem(404, "model_missing", "The model does not exist."),
    Fault.CONTEXT_LENGTH: _problem(400, "context_length", "The context holds 8192 tokens at most."),
    Fault.REQUEST_TIMEOUT: _problem(408, "timeout", "The request took too long."),
    Fault.CONFLICT: _problem(409, "conflict", "The resource is locked."),
    Fault.RATE_LIMITED: _too_fast(),
    Fault.RATE_LIMITED_SECONDS: _too_fast("Retry-After: 7"),
    Fault.RATE_LIMITED_DATE: _too_fast("Retry-After: {date}"),
    Fault.RATE_LIMITED_MILLISECONDS: _too_fast("retry-after-ms: 1500"),
    Fault.RATE_LIMITED_ZERO: _too_fast("Retry-After: 0"),
    Fault.RATE_LIMITED_HOUR: _too_fast(f"Retry-After: {_WAIT_SECONDS}"),
    Fault.RATE_LIMITED_GARBAGE: _too_fast("Retry-After: soon, we hope"),
    Fault.SERVER_ERROR: _problem(500, "server", "The server had an error."),
    Fault.BAD_GATEWAY: _problem(502, "server", "The model is not reachable."),
    Fault.UNAVAILABLE: _problem(503, "server", "The engine is busy.", "Retry-After: 2"),
    Fault.GATEWAY_TIMEOUT: _problem(504, "server", "The model took too long."),
    Fault.OVERLOADED: _problem(529, "overloaded", "Overloaded."),
}
