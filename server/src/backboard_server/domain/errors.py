"""The kinds of failure: what happened, to what, and what to do; the edge turns a kind into a status.

BackboardError
├── Unauthorized   no key, or not a valid one                        401
├── Forbidden      a valid key that may not do this                  403
├── NotFound       unknown, deleted, or another tenant's             404
├── Invalid        the request cannot be carried out as it stands    400
├── Conflict       the state has moved on                            409
│   └── TakenOver  another process has the run now
├── Cancelled      somebody wanted the run to stop                   409
├── Limit          too much, too often, too large                    413 | 429
├── BudgetSpent    the money that was set aside is used up           402
├── Unavailable    the server itself is not able to, for now         503
└── Upstream       a provider failed                                 400 | 402 | 429 | 502 | 503 | 504
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

UpstreamKind = Literal[
    "unreachable",  # no connection: refused, unknown host, TLS
    "timeout",  # connected, and then silence for longer than the limit
    "rejected_key",  # 401 or 403: the provider does not take our key
    "rate_limited",  # 429
    "spend_limit",  # 402, or a 429 that no waiting helps: the account's money or quota is used up
    "context_length",  # the prompt is longer than the model can read
    "model_missing",  # 404: the provider does not have this model, or not for this key
    "content_policy",  # the provider refuses what the request is about
    "rejected_request",  # any other 4xx: the provider does not take this request
    "failed",  # 5xx, or an error event inside a stream
    "malformed",  # an answer that is not what the protocol says
    "truncated",  # the stream stopped before its end mark
    "circuit_open",  # not asked: it failed too often of late
    "invalid_output",  # the answer is not what `response_format` asks for, twice over
]

_RETRYABLE: frozenset[UpstreamKind] = frozenset(
    {"unreachable", "timeout", "failed", "malformed", "truncated"}
)
# The same words would fail anywhere: another model is not asked for them.
_HOPELESS: frozenset[UpstreamKind] = frozenset({"rejected_request", "content_policy"})


class BackboardError(Exception):
    """A failure with a message for the application's developer and a code for the application."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        """`message` says what happened, to what, and what to do; `code` is a stable word for programs."""
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code


class Unauthorized(BackboardError):
    """No API key was given, or not a valid one."""

    code = "unauthorized"


class Forbidden(BackboardError):
    """The key is valid and does not permit this."""

    code = "forbidden"


class NotFound(BackboardError):
    """The thing is unknown, deleted, or another tenant's: the three look the same from outside."""

    code = "not_found"


class Invalid(BackboardError):
    """The request is well formed and cannot be carried out as it stands."""

    code = "invalid_request"


class Conflict(BackboardError):
    """The state has moved on since the caller looked."""

    code = "conflict"


class TakenOver(Conflict):
    """Another process has taken the run over; whoever has it now tells how it goes on."""

    code = "run_taken_over"


class Cancelled(BackboardError):
    """The run was cancelled: what was said so far is kept, and there is nobody to blame."""

    code = "cancelled"


class Limit(BackboardError):
    """A documented limit was exceeded."""

    code = "limit_exceeded"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        is_size: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        """`is_size` tells too large (413) from too often (429)."""
        super().__init__(message, code=code)
        self.is_size = is_size
        self.retry_after_seconds = retry_after_seconds


class BudgetSpent(BackboardError):
    """A budget in dollars is used up, or cannot be kept because the model has no known price."""

    code = "budget_spent"


class Unavailable(BackboardError):
    """The server itself cannot serve for now: its database is away, or it is stopping."""

    code = "unavailable"


class Upstream(BackboardError):
    """A provider failed; `kind` says how, and with it whether another attempt makes sense."""

    def __init__(
        self,
        message: str,
        *,
        kind: UpstreamKind,
        provider: str,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        """`status` is the provider's own; `retry_after_seconds` what its Retry-After said, if anything."""
        super().__init__(message, code=f"provider_{kind}")
        self.kind: UpstreamKind = kind
        self.provider = provider
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed soon.

        A 429 without Retry-After is how providers report an exhausted budget: no retry helps there.
        """
        if self.kind == "rate_limited":
            return self.retry_after_seconds is not None
        return self.kind in _RETRYABLE

    @property
    def is_fallback_worthy(self) -> bool:
        """Whether another model may succeed where this one failed."""
        return self.kind not in _HOPELESS


_UPSTREAM_KINDS: dict[str, UpstreamKind] = {f"provider_{kind}": kind for kind in get_args(UpstreamKind)}
_KINDS: dict[str, type[BackboardError]] = {
    **{kind.code: kind for kind in (NotFound, Conflict, Limit, BudgetSpent, Unavailable, Cancelled)},
    "server_stopped": Unavailable,
    "run_interrupted": Unavailable,
    "internal_error": BackboardError,
}


def failure_of(code: str, message: str, retry_after_seconds: float | None = None) -> BackboardError:
    """Return the failure that a stored code and message stand for; the other codes are those of Invalid."""
    kind = _UPSTREAM_KINDS.get(code)
    if kind is not None:
        return Upstream(message, kind=kind, provider="", retry_after_seconds=retry_after_seconds)
    return _KINDS.get(code, Invalid)(message, code=code)
