"""The catalogue of models: how long a page of it takes, and what reading it adds to start and memory."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from statistics import median
from urllib.parse import urlsplit

from rig.figures import Figure
from rig.processes import Server, data_folder, serving, vendor

_ROUNDS = 7
_REQUESTS = 200
_PATH = "/api/models?limit=100"

# A process of its own for each round: what is read once is never read again. All that the server imports
# anyway is imported before the clock starts.
_PROGRAM = """
import gc, json, time
from backboard_server.app import create_app
from backboard_server.providers import catalogue

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

gc.collect()
before = resident()
started = time.perf_counter()
models = catalogue.models()
seconds = time.perf_counter() - started
llms = [model for model in models.values() if model.model_type == "llm"]
print(json.dumps({
    "milliseconds": seconds * 1000,
    "megabytes": (resident() - before) / 1_000_000,
    "llms": len({model.name for model in llms}),
    "providers": len({model.provider for model in llms}),
}))
"""


async def measure() -> list[Figure]:
    """Ask a running server for pages, and read the catalogue in fresh processes."""
    with vendor() as far_end, data_folder() as folder, serving(folder, far_end.base_url) as server:
        pages = [median(_page_times(server)) * 1000 for _ in range(_ROUNDS)]
    reads = [_read() for _ in range(_ROUNDS)]
    return [
        Figure(name="GET /models, a page of 100, p50", unit="ms", target=10.0, samples=pages),
        Figure(
            name="reading the catalogue at the start",
            unit="ms",
            target=150.0,
            samples=[read["milliseconds"] for read in reads],
        ),
        Figure(
            name="memory of the catalogue",
            unit="MB",
            target=12.0,
            samples=[read["megabytes"] for read in reads],
        ),
        Figure(
            name="distinct language models",
            unit="models",
            target=2_400,
            samples=[reads[0]["llms"]],
            is_at_least=True,
            parts={"providers": reads[0]["providers"]},
        ),
    ]


def _page_times(server: Server) -> list[float]:
    """Return how long each of many requests took, one after the other on one connection."""
    address = urlsplit(server.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    times: list[float] = []
    for _ in range(_REQUESTS):
        started = time.perf_counter()
        connection.request("GET", _PATH, headers={"X-API-Key": server.api_key})
        response = connection.getresponse()
        body = response.read()
        times.append(time.perf_counter() - started)
        if response.status != 200 or not body:
            raise RuntimeError(f"GET {_PATH} was answered with {response.status}.")
    connection.close()
    return times


def _read() -> dict[str, float]:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM],
        env={"PATH": os.defpath},
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)
