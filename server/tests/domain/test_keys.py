"""API keys: drawn, hashed and shown."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from backboard_server.domain.keys import PREFIX, Secret, digest, new_secret, shown_part
from backboard_server.domain.prompts import ModelChoice, Prompt


def test_a_secret_has_the_prefix_and_256_bits_of_chance() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert all(secret.startswith(PREFIX) for secret in secrets)
    assert all(len(secret) == len(PREFIX) + 43 for secret in secrets)  # 32 bytes in base64


def test_a_digest_is_the_full_sha256() -> None:
    assert digest("espr_x") == hashlib.sha256(b"espr_x").digest()


@pytest.mark.parametrize("text", ["", "\0", "ключ", "\ud800", "x" * 10_000], ids=ascii)
def test_any_text_has_a_digest(text: str) -> None:
    assert len(digest(text)) == 32


def test_the_shown_part_tells_keys_apart_and_gives_none_away() -> None:
    secret = new_secret()

    shown = shown_part(secret)

    assert secret.startswith(shown.removesuffix("…"))
    assert len(shown) == 10


@pytest.mark.parametrize("secret", ["", "abc", "abcdefgh"])
def test_at_most_a_quarter_of_a_short_key_is_shown(secret: str) -> None:
    assert len(shown_part(secret).removesuffix("…")) <= len(secret) / 4


def test_a_secret_is_shown_by_nothing_but_its_own_method() -> None:
    secret = Secret("sk-canary")

    shown = f"{secret} {secret!r} {[secret]} { ({'openai': secret}) } {secret!s:>20}"
    assert "canary" not in shown
    assert secret.reveal() == "sk-canary"


def test_a_secret_gives_itself_away_in_no_dump_of_a_prompt() -> None:
    choice = ModelChoice("openai", "gpt-4o")
    prompt = Prompt(choice=choice, messages=(), keys={"openai": Secret("sk-canary")})

    assert "canary" not in repr(prompt)
    with pytest.raises(TypeError, match="Secret"):
        msgspec.json.encode(prompt)
