"""Signatures as every library of Standard Webhooks checks them."""

from __future__ import annotations

from datetime import UTC, datetime

from backboard_server.webhooks.signature import signed_headers


def test_the_headers_are_those_of_the_schemes_own_example() -> None:
    at = datetime.fromtimestamp(1614265330.9, UTC)
    secret, message_id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"

    assert signed_headers(secret, message_id, at, b'{"test": 2432232314}') == {
        "webhook-id": message_id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
