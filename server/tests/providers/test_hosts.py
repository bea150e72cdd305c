from __future__ import annotations

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.providers._hosts import is_configured, resolve
from backboard_server.providers.table import Row, find_row


def _row(name: str) -> Row:
    row = find_row(name)
    assert row is not None
    return row


def test_a_host_has_the_rows_address_unless_the_environment_names_another() -> None:
    ours = resolve(_row("openai"), {"OPENAI_API_KEY": "k"})
    theirs = resolve(_row("openai"), {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://localhost:9/v1/"})

    assert ours.base_url == "https://api.openai.com/v1"
    assert theirs.base_url == "http://localhost:9/v1"


@pytest.mark.parametrize("key", ["", "  "])
def test_a_missing_key_is_refused_with_its_variable_and_the_way_without(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        resolve(_row("openai"), {"OPENAI_API_KEY": key})

    assert caught.value.error_code == "provider_not_configured"
    assert caught.value.message == (
        'openai needs a key: set OPENAI_API_KEY and restart, or use llm_provider="local", which needs none.'
    )


def test_an_address_with_a_variable_in_it_is_completed_or_refused() -> None:
    row = _row("cloudflare-workers-ai")

    host = resolve(row, {"CLOUDFLARE_API_KEY": "k", "CLOUDFLARE_ACCOUNT_ID": "me"})

    assert host.base_url == "https://api.cloudflare.com/client/v4/accounts/me/ai/v1"
    with pytest.raises(Invalid, match="set CLOUDFLARE_ACCOUNT_ID"):
        resolve(row, {"CLOUDFLARE_API_KEY": "k"})


def test_a_host_without_a_default_address_must_be_given_one() -> None:
    with pytest.raises(Invalid, match="set VLLM_BASE_URL"):
        resolve(_row("vllm"), {})

    assert resolve(_row("vllm"), {"VLLM_BASE_URL": "http://gpu:8001/v1"}).base_url == "http://gpu:8001/v1"


def test_the_key_is_in_no_representation() -> None:
    host = resolve(_row("openai"), {"OPENAI_API_KEY": "sk-secret"})

    assert "sk-secret" not in f"{host!r} {host!s} {[host]}"
    assert host.scrub("your key sk-secret is wrong") == "your key … is wrong"


def test_configured_is_what_has_its_key_or_where_it_needs_none_its_address() -> None:
    assert is_configured(_row("openai"), {"OPENAI_API_KEY": "k"})
    assert not is_configured(_row("openai"), {"OPENAI_BASE_URL": "http://localhost:9"})
    assert is_configured(_row("ollama"), {"OLLAMA_BASE_URL": "http://gpu:11434/v1"})
    assert not is_configured(_row("ollama"), {})
