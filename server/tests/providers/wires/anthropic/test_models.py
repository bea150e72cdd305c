from __future__ import annotations

import pytest

from backboard_server.providers.wires.anthropic.models import Claude, claude_of, traits_of


@pytest.mark.parametrize(
    ("name", "claude"),
    [
        ("claude-3-5-sonnet-20241022", Claude("sonnet", (3, 5))),
        ("claude-3-opus-20240229", Claude("opus", (3, 0))),
        ("claude-3.7-sonnet", Claude("sonnet", (3, 7))),
        ("claude-opus-4-20250514", Claude("opus", (4, 0))),
        ("claude-opus-4-0", Claude("opus", (4, 0))),
        ("claude-haiku-4-5-20251001", Claude("haiku", (4, 5))),
        ("anthropic/claude-sonnet-4.6", Claude("sonnet", (4, 6))),
        ("us.anthropic.claude-opus-4-6-v1", Claude("opus", (4, 6))),
        ("Claude-Fable-5-1", Claude("fable", (5, 1))),
        ("claude-mythos-preview", Claude("mythos", (5, 0))),
        ("MiniMax-M2", None),
        ("claude-2.1", None),
    ],
)
def test_a_model_is_known_by_its_name_whatever_the_host_calls_it(name: str, claude: Claude | None) -> None:
    assert claude_of(name) == claude


@pytest.mark.parametrize(
    ("name", "mode", "off"),
    [
        ("claude-3-5-haiku-latest", "none", None),
        ("claude-3-7-sonnet-20250219", "budget", None),
        ("claude-opus-4-5", "budget", None),
        ("claude-sonnet-4-6", "adaptive", None),
        ("claude-opus-4-8", "adaptive", None),
        ("claude-opus-5", "default", "disabled"),
        ("claude-sonnet-5-5", "default", "between_tools"),
        ("claude-haiku-5-5", "default", "disabled"),
        ("claude-opus-5-5", "always", None),
        ("claude-fable-5", "always", None),
        ("claude-opus-7", "always", None),
    ],
)
def test_each_generation_thinks_in_its_own_way(name: str, mode: str, off: str | None) -> None:
    traits = traits_of(name, is_anthropic=True)

    assert (traits.thinking, traits.off) == (mode, off)


def test_an_unknown_model_is_a_new_one_at_anthropic_and_a_foreign_one_elsewhere() -> None:
    assert traits_of("some-model", is_anthropic=True).thinking == "always"
    assert traits_of("MiniMax-M2", is_anthropic=False).takes_unsigned


def test_thoughts_are_bound_to_what_came_before_them_since_version_5_1() -> None:
    bound = {
        name: traits_of(name, is_anthropic=True).checks_prefix
        for name in ("claude-opus-5", "claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-4-6")
    }

    assert bound == {
        "claude-opus-5": False,
        "claude-fable-5-1": True,
        "claude-opus-5-5": True,
        "claude-sonnet-4-6": False,
    }
