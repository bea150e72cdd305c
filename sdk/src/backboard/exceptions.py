"""What can go wrong, as one tree: catch the narrowest kind that you can act on.

BackboardError
├── BackboardConfigurationError         the client cannot be made: no key, a base URL that is none
├── BackboardWebhookError               what came to a webhook is not the server's, or is not fresh
└── BackboardAPIError                   anything between this client and the end of a run
    ├── BackboardConnectionError        no answer, or not all of it
    │   ├── BackboardTimeoutError           silence for longer than the timeout
    │   └── BackboardTruncatedError         a stream that stopped before the end of its run
    ├── BackboardResponseError          an answer that is not what the protocol says
    ├── BackboardRunError               the run failed; the stream said so in an event
    ├── BackboardValidationError        400
    │   └── BackboardUnprocessableError     422
    ├── BackboardAuthenticationError    401
    ├── BackboardPaymentRequiredError   402
    ├── BackboardPermissionError        403
    ├── BackboardNotFoundError          404
    ├── BackboardConflictError          409
    ├── BackboardRateLimitError         429
    └── BackboardServerError            500 and above

Arguments that are wrong before anything is sent raise ValueError, TypeError or OSError, as Python's own
functions do. The module has the name that it has in the published SDK.
"""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Mapping, cast

if TYPE_CHECKING:
    import httpx


class BackboardError(Exception):
    """Everything that this package raises on its own account."""


class BackboardConfigurationError(BackboardError):
    """The client cannot be made from what it was given; the message says how to give what is missing."""


class BackboardWebhookError(BackboardError):
    """What came to a webhook is not from the server, is too old, or is not what a webhook tells."""


class BackboardAPIError(BackboardError):
    """A call did not succeed.

    `status_code` and `response` are None where no HTTP answer came. `body` is the answer's parsed JSON, or
    its text where it was not JSON, or the event that ended a stream.
    """

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        response: httpx.Response | None = None,
        body: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.response = response
        self.body = body

    @property
    def code(self) -> str | None:
        """The server's stable word for this failure, for programs to compare with."""
        for level in (_object(self.body), _object(_object(self.body).get("detail"))):
            if isinstance(level.get("code"), str):
                return cast("str", level["code"])
        return None

    @property
    def request_id(self) -> str | None:
        """The id under which the server logged the request, if it sent one."""
        if self.response is not None and "X-Request-ID" in self.response.headers:
            return self.response.headers["X-Request-ID"]
        return _object(self.body).get("request_id")

    @property
    def retry_after(self) -> float | None:
        """How many seconds the server asks to wait, from the Retry-After header or the event."""
        if self.response is not None:
            return retry_after_seconds(self.response.headers)
        seconds = _object(self.body).get("retry_after_seconds")
        return float(seconds) if isinstance(seconds, (int, float)) else None


class BackboardConnectionError(BackboardAPIError):
    """No answer came, or the connection broke in the middle of one."""


class BackboardTimeoutError(BackboardConnectionError):
    """The server was silent for longer than the timeout."""


class BackboardTruncatedError(BackboardConnectionError):
    """A stream ended without saying how its run ended."""


class BackboardResponseError(BackboardAPIError):
    """An answer came, and it is not what the protocol says."""


class BackboardRunError(BackboardAPIError):
    """A streamed run failed: `event` says how; what was said before is kept in the thread."""

    @property
    def event(self) -> Mapping[str, Any]:
        """The `run_failed` or `error` event."""
        return _object(self.body)


class BackboardValidationError(BackboardAPIError):
    """The request cannot be carried out as it stands (400)."""


class BackboardUnprocessableError(BackboardValidationError):
    """The request is not of the right shape (422)."""


class BackboardAuthenticationError(BackboardAPIError):
    """No API key, or not a valid one (401)."""


class BackboardPaymentRequiredError(BackboardAPIError):
    """A budget or a credit is used up (402)."""


class BackboardPermissionError(BackboardAPIError):
    """The key is valid and does not permit this (403)."""


class BackboardNotFoundError(BackboardAPIError):
    """The thing is unknown, deleted, or someone else's (404)."""


class BackboardConflictError(BackboardAPIError):
    """The state has moved on since the caller looked (409)."""


class BackboardRateLimitError(BackboardAPIError):
    """Too many requests (429); `retry_after` says how long to wait, if the server said it."""


class BackboardServerError(BackboardAPIError):
    """The server, or a provider behind it, failed (500 and above)."""


_BY_STATUS: Mapping[int, type[BackboardAPIError]] = {
    400: BackboardValidationError,
    401: BackboardAuthenticationError,
    402: BackboardPaymentRequiredError,
    403: BackboardPermissionError,
    404: BackboardNotFoundError,
    409: BackboardConflictError,
    422: BackboardUnprocessableError,
    429: BackboardRateLimitError,
}


def class_for_status(status_code: int) -> type[BackboardAPIError]:
    """Return the kind of error that an HTTP status stands for."""
    if status_code >= 500:
        return BackboardServerError
    return _BY_STATUS.get(status_code, BackboardAPIError)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the Retry-After header in seconds from now, whether it was given as seconds or as a date."""
    text = headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):  # Python before 3.10 raises the first, later ones the second
        return None
    if moment.tzinfo is None:  # a date in -0000, which is how mail says UTC
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def _object(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
