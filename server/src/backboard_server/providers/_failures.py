"""Failures of a call, and the sentence that each becomes: what happened, to whom, and what to do."""

from __future__ import annotations

import math

import msgspec

from backboard_server.domain.errors import Upstream, UpstreamKind

from ._hosts import Host

VENDOR_TEXT_CHARACTERS_MAX = 500

_KIND_OF_STATUS: dict[int, UpstreamKind] = {
    401: "rejected_key",
    403: "rejected_key",
    408: "timeout",
    409: "failed",  # a lock at the provider: the same request may succeed in a moment
    429: "rate_limited",
}


class Failure(Exception):
    """A failed call, before anybody knows whose: raised by the wires and the HTTP client.

    `said` is the vendor's own text or ours, without the provider's name, and not yet cut or scrubbed.
    """

    def __init__(
        self,
        kind: UpstreamKind,
        said: str,
        *,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        """`status` and `retry_after_seconds` are the provider's, where it gave any."""
        super().__init__(said)
        self.kind: UpstreamKind = kind
        self.said = said
        self.status = status
        self.retry_after_seconds = retry_after_seconds


def kind_of_status(status: int) -> UpstreamKind:
    """Return what an HTTP status other than 200 means."""
    if status in _KIND_OF_STATUS:
        return _KIND_OF_STATUS[status]
    if status >= 500:
        return "failed"
    return "rejected_request" if status >= 400 else "malformed"


def explain(failure: Failure, host: Host) -> Upstream:
    """Return the error that the application sees; the vendor's text in it is short and holds no key."""
    # Scrubbed before it is cut: half a key is still a secret.
    said = host.scrub(_printable(failure.said))
    if len(said) > VENDOR_TEXT_CHARACTERS_MAX:
        said = said[: VENDOR_TEXT_CHARACTERS_MAX - 1] + "…"
    if failure.status is not None:
        said = f"HTTP {failure.status}: {said}" if said else f"HTTP {failure.status}"
    happened, remedy = _sentences(failure, host)
    return Upstream(
        f"{host.row.label} {happened} ({said}). {remedy}",
        kind=failure.kind,
        provider=host.row.id,
        status=failure.status,
        retry_after_seconds=failure.retry_after_seconds,
    )


def _printable(text: str) -> str:
    """Return text on one line, without what a database or a terminal would trip over."""
    flat = " ".join(text.split())
    return "".join(character if character.isprintable() else "\ufffd" for character in flat)


def _sentences(failure: Failure, host: Host) -> tuple[str, str]:
    """Return what happened and what to do about it."""
    another = "Try again, or choose another provider."
    variable = host.row.key_variable or host.row.base_url_variable
    match failure.kind:
        case "unreachable":
            return f"could not be reached at {host.base_url}", "Check the address and the network."
        case "timeout":
            return "did not answer in time", another
        case "rejected_key" if host.has_key:
            return f"rejected the key in {variable}", "Check the variable and restart."
        case "rejected_key":
            return "did not let us in without a key", f"Set {variable} and restart."
        case "rate_limited":
            return "limits our requests", _when_to_try_again(failure)
        case "rejected_request":
            return "did not take the request", "Change the request or the model."
        case "failed":
            return "failed", another
        case "malformed":
            return "sent an answer that cannot be read", f"Try again, or check {host.row.base_url_variable}."
        case "truncated":
            return "broke off its answer", another


def _when_to_try_again(failure: Failure) -> str:
    if failure.retry_after_seconds is None:
        return "Check the limits and the credit of the account, or choose another provider."
    return f"Try again in {math.ceil(failure.retry_after_seconds):,} s, or choose another provider."


class _Problem(msgspec.Struct):
    message: str | None = None


class _ErrorBody(msgspec.Struct):
    """The shapes in which hosts put their error text."""

    error: _Problem | str | None = None
    message: str | None = None
    detail: str | None = None


def text_of_error(body: bytes) -> str:
    """Return the readable part of an error body, whatever its shape."""
    try:
        found = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace").strip()
        return "a web page" if text[:1] == "<" else text
    error = found.error.message if isinstance(found.error, _Problem) else found.error
    return error or found.message or found.detail or body.decode("utf-8", "replace")
