"""The matrix carried out: one tenant calls every operation with ids that are not its own to use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal
from uuid import uuid4

import httpx
from fastapi import FastAPI
from msgspec import Struct

from app_under_test import client_of
from backboard_server.domain.ids import new_id
from backboard_server.store.database import Connection
from contract.belongings import Belongings, plant, plant_things, snapshot
from contract.probes import QUERIES, Form, IdField, Operation, operations_of
from fake_vendor import Answer, FakeVendor

MALFORMED_TEXTS = (
    "none",
    "0",
    "' OR 1=1 --",
    "01890a5d-ac96-774b-bcce-b302099a805",  # one digit short
    "01890a5d-ac96-774b-bcce-b302099a8057'",
    "01890a5d-ac96-774b-bcce-b302099a805\uff17",  # a digit, but no hexadecimal one
    "null\0",
    "x" * 2_000,
)
MALFORMED_VALUES: tuple[object, ...] = (0, 7, -1.5, True, False, [], ["x"], {}, {"id": "x"})

ANSWER = Answer(text="Hello from the vendor.")

# Which ids go into the other places of a request; `absent`: none, where they may be left out.
Company = Literal["absent", "own", "foreign"]


class Site(Struct, frozen=True):
    """An application with the way in behind its back, and the vendor that it calls."""

    app: FastAPI
    owner: Connection
    vendor: FakeVendor

    @property
    def operations(self) -> list[Operation]:
        """Everything that the application says it can do."""
        return operations_of(self.app.openapi())


class Duel(Struct, frozen=True):
    """One operation, and the two tenants that meet over it: nothing of one duel is left for the next."""

    operation: Operation
    attacker: Belongings
    victim: Belongings


async def plant_duels(site: Site) -> list[Duel]:
    """Make the tenants of each operation.

    Those of pages of the newest are made last and come first, as each duel makes things that are newer.
    """
    duels = [
        Duel(
            operation,
            attacker=await plant(site.app, site.owner, site.vendor, f"attacker-{uuid4().hex}"),
            victim=await plant(site.app, site.owner, site.vendor, f"canary-{uuid4().hex}"),
        )
        for operation in sorted(site.operations, key=_shows_the_newest)
    ]
    return sorted(duels, key=lambda duel: not _shows_the_newest(duel.operation))


def _shows_the_newest(operation: Operation) -> bool:
    return operation.id in QUERIES


async def findings_of(site: Site, duels: list[Duel]) -> dict[str, list[str]]:
    """Fight the duels. Return what went wrong, in a sentence each, by operation; a safe one is not listed."""
    site.vendor.script(ANSWER)
    site.vendor.requests.clear()
    findings = {duel.operation.id: await _Attack(site, duel).findings() for duel in duels}
    return {operation_id: found for operation_id, found in findings.items() if found}


class _Attack:
    """One duel being fought."""

    def __init__(self, site: Site, duel: Duel) -> None:
        self._site = site
        self._attacker, self._victim = duel.attacker, duel.victim
        self._forms = [*duel.operation.forms()]

    async def findings(self) -> list[str]:
        """Return what the victim lost or showed, and where the attacker could tell its ids from others."""
        findings: list[str] = []
        victim_before, attacker_before = await self._snapshots()
        async with client_of(self._site.app, self._attacker.tenant) as client:
            for form in self._forms:
                for field in form.ids:
                    findings += await self._probe(client, form, field)
                    findings += await self._malformed(client, form, field)
            victim_after, attacker_after = await self._snapshots()
            for form in self._forms:
                findings += await self._allowed(client, form)
        victim_at_last, attacker_at_last = await self._snapshots()
        if not victim_before == victim_after == victim_at_last:
            findings.append("The victim's rows have changed")
        if attacker_before != attacker_after:
            findings.append("A refused request has left something with the attacker")
        if self._victim.canary in f"{attacker_at_last} {[*self._site.vendor.requests]}":
            findings.append("The canary is among the attacker's rows or in one of its prompts")
        self._site.vendor.requests.clear()
        return findings

    async def _snapshots(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        owner = self._site.owner
        return await snapshot(owner, self._victim.tenant), await snapshot(owner, self._attacker.tenant)

    async def _probe(self, client: httpx.AsyncClient, form: Form, field: IdField) -> list[str]:
        """Another tenant's, an unknown and a deleted id must look the same."""
        findings: list[str] = []
        for company in _companies(form):
            others = self._others(form, field, company)
            ids = {
                "another tenant's": self._victim.existing[field.noun],
                "an unknown": str(new_id()),
                "a deleted": self._attacker.deleted[field.noun],
            }
            looks: set[str] = set()
            for whose, value in ids.items():
                where = f"{form}, {whose} id in {field.name}, the others {company}"
                response = await client.request(**form.arguments(others | {field: value}))
                looks.add(_look(response))
                if response.status_code != 404:
                    findings.append(f"{where}: {response.status_code} {response.text[:200]}")
                findings += self._leaks(response, where)
            if len(looks) > 1:
                findings.append(f"{form}: the ids in {field.name} can be told apart: {looks}")
        return findings

    async def _malformed(self, client: httpx.AsyncClient, form: Form, field: IdField) -> list[str]:
        findings: list[str] = []
        values: tuple[object, ...] = MALFORMED_TEXTS
        if field.place == "body" and form.media_type == "application/json":
            values = (*values, *MALFORMED_VALUES)
        others = self._others(form, field, "absent")
        for value in values:
            response = await client.request(**form.arguments(others | {field: value}))
            if response.status_code != 422:
                findings.append(
                    f"{form}, {value!r} in {field.name}: {response.status_code} {response.text[:200]}"
                )
            findings += self._leaks(response, f"{form}, {value!r} in {field.name}")
        return findings

    async def _allowed(self, client: httpx.AsyncClient, form: Form) -> list[str]:
        """With one's own ids the same request works, so that nothing else was to blame; nor does it leak."""
        findings: list[str] = []
        fillings = [form.ids, [field for field in form.ids if field.is_required]]
        for fields in fillings if form.ids else [()]:
            things: dict[str, str] = {}
            if fields:
                things = await plant_things(client, self._site.vendor, self._attacker.canary, ANSWER)
            response = await client.request(**form.arguments({field: things[field.noun] for field in fields}))
            if not response.is_success:
                findings.append(f"{form}, all ids its own: {response.status_code} {response.text[:200]}")
            findings += self._leaks(response, f"{form}, all ids its own")
        return findings

    def _others(self, form: Form, probed: IdField, company: Company) -> dict[IdField, object]:
        """Return the ids that go beside the probed one."""
        whose = self._victim if company == "foreign" else self._attacker
        fields = (field for field in form.ids if field != probed)
        return {
            field: whose.existing[field.noun] for field in fields if field.is_required or company != "absent"
        }

    def _leaks(self, response: httpx.Response, where: str) -> list[str]:
        told = f"{response.headers} {response.text}"
        return [f"{where}: the response tells {secret}" for secret in self._victim.secrets if secret in told]


def _companies(form: Form) -> Iterator[Company]:
    yield "absent"
    if len(form.ids) > 1:
        yield "own"
        yield "foreign"


def _look(response: httpx.Response) -> str:
    """Return all that a caller sees of a response, but for the request's own id."""
    body: Any = response.json() if "json" in response.headers.get("content-type", "") else response.text
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    if isinstance(body, dict):
        body["request_id"] = None
    return f"{response.status_code} {headers} {body}"
