"""The application under test: what it is set to, and a client of it in this process."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from tenants import Tenant

VENDOR_KEY = "sk-vendor-canary"
BODY_BYTES_MAX = 20_000_000


def client_of(app: FastAPI, tenant: Tenant) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"X-API-Key": tenant.secret}
    return httpx.AsyncClient(transport=transport, base_url="http://backboard/api", headers=headers)
