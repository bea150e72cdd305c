"""Nothing but a valid key opens an operation, wherever and however another text is put in its place."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from msgspec import Struct

from app_under_test import client_of
from backboard_server.store.database import Connection
from backboard_server.store.keys import revoke_key
from contract.probes import Form, operations_of
from tenants import Tenant
from waiting import wait_until

UNKNOWN_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
UNKNOWN_KEY = "espr_" + "A" * 43
REVOCATION_SECONDS_MAX = 1.0
HOSTILE_TEXTS_MIN = 300


class Refused(Struct, frozen=True):
    """A way to come without a valid key."""

    name: str
    headers: list[tuple[bytes, bytes]]
    params: dict[str, str] = {}


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    """A client without a key."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://backboard/api") as client:
        yield client


@pytest.fixture
async def revoked(other_tenant: Tenant, owner: Connection) -> str:
    await revoke_key(owner, other_tenant.caller.key_id)
    return other_tenant.secret


def guarded_forms(app: FastAPI) -> list[Form]:
    operations = operations_of(app.openapi())
    return [form for operation in operations if not operation.is_open for form in operation.forms()]


def refused(valid: str, revoked: str) -> Iterator[Refused]:
    yield Refused("no key", [])
    yield Refused("empty", [(b"X-API-Key", b"")])
    yield Refused("empty bearer", [(b"Authorization", b"Bearer ")])
    wrong = {
        "malformed": "nonsense",
        "prefix alone": "espr_",
        "unknown": UNKNOWN_KEY,
        "revoked": revoked,
        "shortened": valid[:-1],
        "lengthened": valid + "A",
        "in upper case": valid.upper(),
        "without its prefix": valid.removeprefix("espr_"),
    }
    for name, key in wrong.items():
        yield Refused(name, [(b"X-API-Key", key.encode())])
        yield Refused(f"{name} as bearer", [(b"Authorization", b"Bearer " + key.encode())])
    basic = base64.b64encode(b"key:" + valid.encode())
    misplaced = {
        b"Authorization": [valid.encode(), b"Token " + valid.encode(), b"Basic " + basic],
        b"Api-Key": [valid.encode()],
        b"X-Auth-Token": [valid.encode()],
        b"Proxy-Authorization": [b"Bearer " + valid.encode()],
        b"Cookie": [b"X-API-Key=" + valid.encode()],
    }
    for header, values in misplaced.items():
        for value in values:
            yield Refused(f"in {header.decode()}", [(header, value)])
    yield Refused("in the query", [], {"api_key": valid, "X-API-Key": valid})
    yield Refused("twice, first unknown", [(b"X-API-Key", b"nonsense"), (b"X-API-Key", valid.encode())])


def hostile_texts() -> list[bytes]:
    """Return what nobody's key looks like, by itself and made to look like one."""
    quoted = [*"'\"`\\%_,;=*", "';", "--", "/*", "%%", "$1", "$$", "{}", "{{7*7}}"]
    sql = [
        "' OR '1'='1", "' OR 1=1 --", "') OR ('1'='1", "'; DROP TABLE api_keys; --",
        "'; SELECT pg_sleep(10); --", "' UNION SELECT * FROM api_keys --", "%27%20OR%201=1", "E'\\\\x00'",
        "U&'\\0027'", "\\x27",
    ]  # fmt: skip
    values = ["null", "NULL", "None", "undefined", "true", "0", "-1", "1e999", "NaN", "[]", "[object Object]"]
    elsewhere = ["../../etc/passwd", "<script>alert(1)</script>", "${jndi:ldap://[::1]/a}", "\r\nX-Admin: 1"]
    odd = ["\0", "\x01\x02\x03", "\x7f", "\t", "\n", " ", "a b c", "espr_ espr_"]
    long = ["A" * 511, "A" * 512, "A" * 513, "A" * 8_000, "A" * 100_000, "'" * 512, "\xe9" * 300]
    texts = [*quoted, *sql, *values, *elsewhere, *odd, *long]
    encoded = [text.encode("latin-1") for text in texts]
    encoded += ["ключ".encode(), "🔑".encode(), "\u202e".encode(), "é".encode("utf-16")]
    encoded += [b"\xff\xfe", b"\xc3\x28", *(bytes([byte]) * 8 for byte in range(128, 256, 4))]
    return [
        before + text + after for text in encoded for before in (b"", b"espr_") for after in (b"", b"A" * 43)
    ]


async def test_every_guarded_operation_takes_a_valid_key_and_no_other(
    app: FastAPI, stranger: httpx.AsyncClient, tenant: Tenant, revoked: str
) -> None:
    findings: list[str] = []
    for form in guarded_forms(app):
        for way in refused(tenant.secret, revoked):
            for value in (UNKNOWN_ID, "malformed"):
                arguments = form.arguments(dict.fromkeys(form.ids, value))
                response = await stranger.request(**with_way(arguments, way))
                if not is_refusal(response):
                    findings.append(f"{form}, key {way.name}: {response.status_code} {response.text[:200]}")

    assert findings == []


async def test_a_refusal_says_the_same_whatever_was_wrong(
    stranger: httpx.AsyncClient, tenant: Tenant, revoked: str
) -> None:
    bodies: list[dict[str, Any]] = []
    for way in refused(tenant.secret, revoked):
        response = await stranger.request(**with_way({"method": "GET", "url": "/threads"}, way))
        bodies.append(response.json() | {"request_id": None})

    assert all(body == bodies[0] for body in bodies)
    assert bodies[0] == {
        "detail": "Invalid or missing API key", "code": "unauthorized", "request_id": None,
    }  # fmt: skip


async def test_a_stranger_cannot_make_the_server_read_a_body(
    app: FastAPI, stranger: httpx.AsyncClient
) -> None:
    pieces_read = 0

    async def endless_body() -> AsyncGenerator[bytes]:
        nonlocal pieces_read
        while True:
            pieces_read += 1
            yield b"{" * 1_000

    forms = [form for form in guarded_forms(app) if form.media_type]
    for form in forms:
        arguments = form.arguments(dict.fromkeys(form.ids, UNKNOWN_ID))
        response = await stranger.request(
            arguments["method"],
            arguments["url"],
            content=endless_body(),
            headers={"Content-Type": f"{form.media_type}; boundary=x"},
        )
        assert is_refusal(response), f"{form}: {response.status_code} {response.text[:200]}"

    assert forms
    assert pieces_read == 0


@pytest.mark.parametrize("header", ["X-API-Key", "x-api-key", "Authorization", "authorization"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_valid_key_is_taken_in_either_header(
    stranger: httpx.AsyncClient, tenant: Tenant, header: str, scheme: str
) -> None:
    key = tenant.secret if "key" in header.lower() else f"{scheme} {tenant.secret}"

    assert (await stranger.get("/threads", headers={header: key})).status_code == 200


async def test_a_revoked_key_is_refused_within_a_second_though_it_was_cached(
    app: FastAPI, tenant: Tenant, owner: Connection
) -> None:
    async with client_of(app, tenant) as client:

        async def refused_now() -> bool:
            return is_refusal(await client.get("/threads"))

        assert not await refused_now()
        await revoke_key(owner, tenant.caller.key_id)
        revoked_at = time.monotonic()

        await wait_until(refused_now)

        assert time.monotonic() - revoked_at <= REVOCATION_SECONDS_MAX


async def test_hostile_texts_are_no_keys_and_break_nothing(stranger: httpx.AsyncClient) -> None:
    texts = hostile_texts()
    findings: list[str] = []
    for text in texts:
        for header in ((b"X-API-Key", text), (b"Authorization", b"Bearer " + text), (b"Authorization", text)):
            response = await stranger.get("/threads", headers=[header])
            if not is_refusal(response):
                findings.append(f"{header!r:.100}: {response.status_code} {response.text[:200]}")

    assert findings == []
    assert len(set(texts)) >= HOSTILE_TEXTS_MIN


def with_way(arguments: dict[str, Any], way: Refused) -> dict[str, Any]:
    headers = [(name.encode(), value.encode()) for name, value in arguments.get("headers", {}).items()]
    return arguments | {"headers": headers + way.headers, "params": arguments.get("params", {}) | way.params}


def is_refusal(response: httpx.Response) -> bool:
    return response.status_code == 401 and response.json()["detail"] == "Invalid or missing API key"
