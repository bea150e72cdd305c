"""API keys from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from backboard_server.cli import keys
from backboard_server.domain.errors import NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import PREFIX
from backboard_server.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def test_a_key_is_made_before_the_first_start(settings: Settings) -> None:
    made = keys.create(settings, "team", "laptop")

    (listed,) = keys.list_all(settings)
    assert made.api_key.startswith(PREFIX)
    assert (listed.id, listed.tenant_id, listed.tenant_name) == (made.key_id, made.tenant_id, "team")


def test_a_key_that_is_not_there_cannot_be_revoked(settings: Settings) -> None:
    with pytest.raises(NotFound, match="`backboard keys list` shows all"):
        keys.revoke(settings, new_id())
