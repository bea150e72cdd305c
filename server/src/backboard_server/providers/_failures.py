"""Failures of a call, and the sentence that each becomes: what happened, to whom, and what to do."""

from __future__ import annotations

import math

from backboard_server.domain.errors import Upstream, UpstreamKind

from ._hosts import Host

VENDOR_TEXT_CHARACTERS_MAX = 500


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


class OtherProtocol(Failure):
    """An answer in another protocol than the one that was spoken: chat completions, whatever was asked."""

    def __init__(self) -> None:
        super().__init__("malformed", "a chat completion in answer to a request for a response")


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


_ANOTHER = "Try again, or choose another provider."

# What happened and what to do about it, where neither depends on more than the kind.
_SENTENCES: dict[UpstreamKind, tuple[str, str]] = {
    "timeout": ("did not answer in time", _ANOTHER),
    "failed": ("failed", _ANOTHER),
    "truncated": ("broke off its answer", _ANOTHER),
    "spend_limit": (
        "says that the account's credit or quota is used up",
        "Add credit, or choose another provider.",
    ),
    "context_length": (
        "finds the prompt too long for this model",
        "Send less, or choose a model that reads more.",
    ),
    "content_policy": ("refuses to answer this", "Change the message, or choose another model."),
    "rejected_request": ("did not take the request", "Change the request or the model."),
    "invalid_output": (
        "did not answer in the form that was asked for",
        "Simplify the schema, or choose another model.",
    ),
}


def _sentences(failure: Failure, host: Host) -> tuple[str, str]:
    """Return what happened and what to do about it."""
    match failure.kind:
        case "unreachable":
            return f"could not be reached at {host.shown_url}", "Check the address and the network."
        case "malformed":
            address = f"Try again, or check {host.row.base_url_variable}."
            return "sent an answer that cannot be read", address
        case "model_missing":
            address = f"Check model_name, whether the key may use it, and {host.row.base_url_variable}."
            return "does not have this model", address
        case "rejected_key":
            return _about_the_key(host)
        case "rate_limited":
            return "limits our requests", _when_to_try_again(failure)
        case "circuit_open":
            return "failed too often of late and is not asked for now", _when_to_try_again(failure)
        case _:
            return _SENTENCES[failure.kind]


def _about_the_key(host: Host) -> tuple[str, str]:
    if host.is_tenants_key:
        return f"rejected {host.key_place}", f"Set another with PUT /provider-keys/{host.row.id}."
    if host.has_key or host.has_credentials:
        return f"rejected the key in {host.key_place}", "Check it and restart."
    remedy = (
        f"Set {host.key_place} and restart."
        if host.row.key_variables
        else "Name its key_variable in backboard.toml."
    )
    own = f"A tenant may give its own with PUT /provider-keys/{host.row.id}."
    return "did not let us in without a key", f"{remedy} {own}"


def _when_to_try_again(failure: Failure) -> str:
    if failure.retry_after_seconds is None:
        return "Check the limits and the credit of the account, or choose another provider."
    return f"Try again in {math.ceil(failure.retry_after_seconds):,} s, or choose another provider."
