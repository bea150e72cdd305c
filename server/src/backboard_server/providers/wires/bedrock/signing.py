"""How a request proves itself: a Bedrock API key, or a signature (AWS Signature Version 4).

Keys: docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html. Signatures are made by `awscrt`, AWS's
own library, which is loaded with the first request that is signed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

from backboard_server.providers._hosts import Host

_SERVICE = "bedrock"
_CONTENT_TYPE = {"Content-Type": "application/json"}


def headers_of(host: Host, url: str, body: bytes, at: datetime) -> Mapping[str, str]:
    """Return the headers of a POST; a key goes before credentials."""
    if host.has_key:
        return _CONTENT_TYPE | {"Authorization": f"Bearer {host.key}"}
    if host.settings.get("AWS_SECRET_ACCESS_KEY"):
        return _signed(host.settings, url, body, at)
    return _CONTENT_TYPE


def _signed(settings: Mapping[str, str], url: str, body: bytes, at: datetime) -> Mapping[str, str]:
    # Not at the top: it takes 60 ms and 9 MB, and few servers sign.
    from awscrt import auth, http  # pyright: ignore[reportMissingTypeStubs] - it has no types

    address = urlsplit(url)
    # The library has types for only some of what it takes; all of it stays within these lines.
    lib_auth, lib_http = cast("Any", auth), cast("Any", http)
    request = lib_http.HttpRequest(
        "POST",
        address.path,
        lib_http.HttpHeaders([("Host", address.netloc), *_CONTENT_TYPE.items()]),
        io.BytesIO(body),
    )
    credentials = lib_auth.AwsCredentialsProvider.new_static(
        settings["AWS_ACCESS_KEY_ID"],
        settings["AWS_SECRET_ACCESS_KEY"],
        settings.get("AWS_SESSION_TOKEN") or None,
    )
    config = lib_auth.AwsSigningConfig(
        algorithm=lib_auth.AwsSigningAlgorithm.V4,
        signature_type=lib_auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=credentials,
        region=settings["AWS_REGION"],
        service=_SERVICE,
        date=at,
    )
    # With credentials at hand nothing is waited for: the future is done before it is returned.
    signed = lib_auth.aws_sign_request(request, config).result()
    return {str(name): str(value) for name, value in signed.headers if name.lower() != "host"}
