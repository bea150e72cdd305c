"""Asking a model for the sake of memory: within bounds, and never for nothing known."""

from __future__ import annotations

import pytest

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Upstream
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, Usage
from backboard_server.memory import ask as module
from backboard_server.memory.ask import UnusableAnswer, ask
from fake_vendor import Answer, FakeVendor, Tokens

CHOICE = ModelChoice("openai", "gpt-4o")
PROMPT = Prompt(choice=CHOICE, messages=(PromptMessage("user", "What is new?"),))


async def test_an_answer_comes_with_what_the_provider_counted(adapters: Adapters, vendor: FakeVendor) -> None:
    vendor.script(Answer(text="Nothing.", usage=Tokens(prompt=7, completion=2)))

    answered = await ask(adapters, PROMPT)

    assert (answered.text, answered.usage.input_tokens, answered.usage.output_tokens) == ("Nothing.", 7, 2)


async def test_an_answer_without_end_is_cut_off_and_counted_all_the_same(
    adapters: Adapters, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_CHARACTERS_MAX", 100)
    vendor.script(Answer(text="again " * 10_000, chunks=1_000))

    answered = await ask(adapters, PROMPT)

    assert answered.text == ("again " * 17)[:100]
    assert answered.usage.output_tokens > 0


async def test_a_model_that_takes_too_long_is_stopped(
    adapters: Adapters, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS_MAX", 0.05)
    vendor.script(Answer(text="Never heard", first_byte_delay_seconds=30))

    with pytest.raises(Upstream, match="still writing"):
        await ask(adapters, PROMPT)


def test_an_answer_that_cannot_be_used_says_what_was_wanted_and_keeps_its_cost() -> None:
    error = UnusableAnswer(CHOICE, "facts", Usage(input_tokens=7))

    assert "'facts'" in error.message
    assert error.usage == Usage(input_tokens=7)
