"""What the tests of embedders share: a local embedder in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from backboard_server.providers.embeddings import LocalEmbedder


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def local(data_dir: Path) -> AsyncGenerator[LocalEmbedder]:
    """The real model, in a process that ends with the connections of the test."""
    embedder = LocalEmbedder(data_dir)
    yield embedder
    await embedder.aclose()
