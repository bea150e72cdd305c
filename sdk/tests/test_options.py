from __future__ import annotations

import pytest

from backboard import BackboardConfigurationError
from backboard._options import resolve


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BACKBOARD_API_KEY", raising=False)
    monkeypatch.delenv("BACKBOARD_BASE_URL", raising=False)


def test_without_an_address_the_server_is_a_local_one() -> None:
    assert resolve("k", None, None, 2, None).base_url == "http://127.0.0.1:8000/api"


def test_a_slash_at_the_end_of_the_address_makes_no_difference() -> None:
    assert resolve("k", "https://app.example/api/", None, 2, None).base_url == "https://app.example/api"


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKBOARD_API_KEY", "")
    monkeypatch.setenv("BACKBOARD_BASE_URL", "")

    with pytest.raises(BackboardConfigurationError, match="BACKBOARD_API_KEY"):
        resolve(None, None, None, 2, None)
    assert resolve("k", None, None, 2, None).base_url == "http://127.0.0.1:8000/api"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "/api"])
def test_an_address_without_http_is_refused_with_the_variable_to_set(url: str) -> None:
    with pytest.raises(BackboardConfigurationError, match="BACKBOARD_BASE_URL"):
        resolve("k", url, None, 2, None)


def test_a_negative_number_of_retries_is_refused() -> None:
    with pytest.raises(BackboardConfigurationError, match="max_retries is -1"):
        resolve("k", None, None, -1, None)


def test_space_around_the_key_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKBOARD_API_KEY", "espr_key\n")

    assert resolve(None, None, None, 2, None).headers["X-API-Key"] == "espr_key"


@pytest.mark.parametrize("key", ["espr_\u20ac", "espr_\nX-Other: 1"])
def test_a_key_that_cannot_be_a_header_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(BackboardConfigurationError) as raised:
        resolve(key, None, None, 2, None)

    assert key not in str(raised.value)


def test_the_key_is_a_header_that_is_never_shown() -> None:
    options = resolve("espr_secret", None, None, 2, {"X-Team": "blue"})

    assert options.headers["X-API-Key"] == "espr_secret"
    assert options.headers["X-Team"] == "blue"
    assert "espr_secret" not in repr(options)
