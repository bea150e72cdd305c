"""AWS Signature Version 4, verified by hand: canonical request, string to sign, key, signature.

As docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html spells it out. The
access key of AWS's own examples has AWS's own secret here; the secret of any other is its id.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

from fake_vendor.connection import Request

SERVICE = "bedrock"
SECRETS = {"AKIDEXAMPLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}

_SCHEME = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_SCHEME} Credential=(?P<access_key>[^/,]+)/(?P<date>\d{{8}})/(?P<region>[a-z0-9-]+)/{SERVICE}/"
    r"aws4_request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
_SIGNED = frozenset({"host", "x-amz-date"})
_SKEW = timedelta(minutes=5)

MISSING = "Missing Authentication Token"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


def problem_of(request: Request, now: datetime) -> str | None:
    """Return why a request proves nothing, in the vendor's words, or None."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("Bearer ") and authorization.removeprefix("Bearer ").strip():
        return None
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        return MISSING if not authorization else "Authorization header is not in the form that is expected."
    names = found["headers"].split(";")
    if not set(names) >= _SIGNED or not all(name in request.headers for name in names):
        return "Host and X-Amz-Date must be signed, and every header that is named must be there."
    if "x-amz-security-token" in request.headers and "x-amz-security-token" not in names:
        return "The security token included in the request is invalid."
    stamp = request.headers["x-amz-date"]
    if not stamp.startswith(found["date"]) or not _is_fresh(stamp, now):
        return f"Signature expired: {stamp} is not within five minutes of now."
    scope = f"{found['date']}/{found['region']}/{SERVICE}/aws4_request"
    to_sign = "\n".join((_SCHEME, stamp, scope, _hash(_canonical(request, names).encode())))
    expected = hmac.new(_key(found), to_sign.encode(), sha256).hexdigest()
    return None if hmac.compare_digest(expected, found["signature"]) else MISMATCH


def _canonical(request: Request, names: list[str]) -> str:
    """Return the canonical request; for every service but S3 the path is encoded once more than it came."""
    path = "/".join(quote(segment, safe="-_.~") for segment in request.route.split("/"))
    query = request.path.partition("?")[2]
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in sorted(names))
    return "\n".join((request.method, path, query, headers, ";".join(names), _hash(request.content)))


def _key(scope: Mapping[str, str] | re.Match[str]) -> bytes:
    key = b"AWS4" + SECRETS.get(scope["access_key"], scope["access_key"]).encode()
    for part in (scope["date"], scope["region"], SERVICE, "aws4_request"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return key


def _is_fresh(stamp: str, now: datetime) -> bool:
    try:
        then = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(now - then) <= _SKEW


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()
