"""What can be a key of a provider."""

from __future__ import annotations

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.domain.provider_keys import KEY_CHARACTERS_MAX, checked


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "sk-canary ",
        " sk-canary",
        "sk-canary\n",
        "sk-canary\r\nX-Admin: 1",
        "sk canary",
        "sk-canary\0",
        "sk-canary\x7f",
        "sk-canary-ключ",
        "sk-canary\ud800",
        "canary" + "x" * KEY_CHARACTERS_MAX,
    ],
)
def test_what_no_header_can_carry_is_no_key_and_is_not_repeated(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked(text)

    assert "canary" not in caught.value.message


@pytest.mark.parametrize("text", ["x", "sk-proj-A_b-9", "AIza~!@#$%^&*()=+/", "x" * KEY_CHARACTERS_MAX])
def test_a_key_stays_as_it_is_and_does_not_show(text: str) -> None:
    key = checked(text)

    assert key.reveal() == text
    assert repr(key) == "Secret(…)"
