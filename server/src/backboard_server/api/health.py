"""Whether the server is alive and ready, and how it is doing; for those who run it. Needs no key."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from backboard_server import __version__

from .edge import AdaptersOf

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"
    version: str = __version__


class Readiness(BaseModel):
    """The process can serve: its database answers, and the queue of jobs with it."""

    status: str = "ready"


@router.get("/health")
async def health() -> Health:
    """Say that the process is alive; nothing else is looked at."""
    return Health()


@router.get("/ready")
async def ready(adapters: AdaptersOf) -> Readiness:
    """Say that requests can be served; 503 while the database cannot be reached."""
    await adapters.database.call("SELECT EXISTS (SELECT FROM jobs)")
    return Readiness()


@router.get("/metrics", response_class=Response)
async def metrics() -> Response:
    """Return this process's figures in Prometheus's text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
