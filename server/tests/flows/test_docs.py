"""What the pages show is what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest

import docs
from running_server import RunningServer

KEY = "espr_documentation_key"
# The page about webhooks has its receiver on this machine.
ENVIRONMENT = {"BACKBOARD_API_KEY": KEY, "BACKBOARD_EGRESS_ALLOW": "127.0.0.1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("docs") / "data"
    with RunningServer(folder, environment=ENVIRONMENT) as server:
        yield server


@pytest.mark.parametrize("page", docs.pages(), ids=lambda page: str(page.relative_to(docs.ROOT)))
async def test_every_block_of_the_page_runs(page: Path, server: RunningServer) -> None:
    environment = {"BACKBOARD_API_KEY": KEY, "BACKBOARD_BASE_URL": f"{server.base_url}/api"}

    failures = await asyncio.to_thread(docs.run_page, page, environment)

    assert not failures, "\n".join(str(failure) for failure in failures)
