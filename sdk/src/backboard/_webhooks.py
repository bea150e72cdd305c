"""For those who receive webhooks: whether what came is from the server, as Standard Webhooks has it."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from typing import Mapping

from .exceptions import BackboardWebhookError
from .models.webhooks import WebhookMessage

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300.0


def verify_webhook(
    payload: bytes,
    headers: Mapping[str, str],
    secret: str,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> WebhookMessage:
    """Return what a webhook was told, if it comes from the server that made `secret`, and came of late.

    `payload` is the body exactly as it arrived; `headers` are the request's, in any case. Raises
    BackboardWebhookError, which a receiver answers with 400.
    """
    message_id = _header(headers, "webhook-id")
    timestamp = _header(headers, "webhook-timestamp")
    signatures = _header(headers, "webhook-signature").split()
    digest = hmac.new(_key(secret), f"{message_id}.{timestamp}.".encode() + payload, hashlib.sha256).digest()
    expected = b"v1," + b64encode(digest)
    if not any(hmac.compare_digest(expected, signature.encode()) for signature in signatures):
        raise BackboardWebhookError("The signature is not the server's: do not act on this request.")
    _check_age(timestamp, tolerance_seconds)
    return _read(payload, message_id)


def _header(headers: Mapping[str, str], name: str) -> str:
    for key, text in headers.items():
        if key.lower() == name:
            return text
    raise BackboardWebhookError(f"The header {name} is missing: this is not a webhook of the server's.")


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret[len(PREFIX) :] if secret.startswith(PREFIX) else secret, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError(f"The secret is not one of a webhook: it begins with {PREFIX}, as it was shown")
    return key


def _check_age(timestamp: str, tolerance_seconds: float) -> None:
    try:
        age = time.time() - int(timestamp)
    except ValueError:
        raise BackboardWebhookError("The header webhook-timestamp is not a number of seconds.") from None
    if abs(age) > tolerance_seconds:
        raise BackboardWebhookError(
            f"The request is {age:+.0f} s old, and {tolerance_seconds:.0f} s are taken: somebody may be "
            "repeating it, or a clock is wrong."
        )


def _read(payload: bytes, message_id: str) -> WebhookMessage:
    try:
        told = json.loads(payload)
        return WebhookMessage.model_validate({**told, "id": message_id})
    except (ValueError, TypeError) as failure:  # not JSON, not an object, or without what it needs
        raise BackboardWebhookError("The body is signed, and not what a webhook tells.") from failure
