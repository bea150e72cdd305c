"""Switching models inside a thread never bricks it: random threads through random providers.

Each turn is put together from the history as the store keeps it, sent over the wire of a random provider to
a vendor that refuses what the real one refuses, and stored again. No turn may fail, and none may need the
second try that a refused history gets; what a provider signed comes back to it as it was.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.prompts import (
    Media,
    ModelChoice,
    Prompt,
    ResponseFormat,
    Thinking,
    ToolCall,
)
from backboard_server.domain.threads import HistoryMessage, Turn
from backboard_server.providers import Providers
from backboard_server.runs.context import assemble
from backboard_server.runs.draft import Draft
from fake_vendor import Answer, CalledTool, FakeVendor

MODELS = (
    ModelChoice("openai", "gpt-4o"),  # chat completions
    ModelChoice("openai", "gpt-5"),  # responses
    ModelChoice("anthropic", "claude-sonnet-4-6"),
    ModelChoice("anthropic", "claude-3-5-haiku-20241022"),
    ModelChoice("google", "gemini-2.5-flash"),
    ModelChoice("google", "gemini-3-pro-preview"),
    ModelChoice("amazon-bedrock", "us.anthropic.claude-sonnet-4-6"),
    ModelChoice("groq", "llama-3.3-70b-versatile"),
    ModelChoice("mistral", "mistral-large-latest"),
    ModelChoice("deepseek", "deepseek-v4-pro"),
    ModelChoice("moonshotai", "kimi-k2.6"),
)
SIGNING = tuple(
    choice
    for choice in MODELS
    if choice.model == "gpt-5" or choice.provider == "google" or "sonnet" in choice.model
)
ECHOING = tuple(choice for choice in MODELS if choice.provider in ("deepseek", "moonshotai"))
TOOLS: tuple[dict[str, Any], ...] = tuple(
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("look", "hear")
)
PNG = bytes.fromhex("89504e470d0a1a0a") + b"\0" * 24
IMAGE = Media(kind="image", media_type="image/png", filename="a.png", content=PNG)
PDF = Media(kind="pdf", media_type="application/pdf", filename="ä b/c.pdf", content=b"%PDF-1.7\n%%EOF")

SEAL = "sig-of-a-turn-1"
SEALS = (SEAL.encode(), b64encode(SEAL.encode()))  # as the vendors write it

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
call_ids = st.sampled_from(["call_1", "call_1", "toolu_01A", "a b/ü", "x" * 80, ""])
calls = st.builds(
    CalledTool,
    st.sampled_from(["look", "hear"]),
    st.sampled_from(["{}", '{"at": "it"}', '{"n": [1, {"m": null}]}']),
    call_ids,
)


class Step(Struct, frozen=True, kw_only=True):
    """One turn: who is asked, what is said, and what the vendor answers."""

    choice: ModelChoice
    content: str
    media: tuple[Media, ...]
    thinking: Thinking | None
    response_format: ResponseFormat | None
    streamed: bool
    answer: Answer
    outputs_lost: int  # of the tool calls of the answer, so many are never answered
    continues: bool  # whether the outputs are sent on by themselves, without a further message


answers = st.builds(
    Answer,
    text=texts.filter(str.strip),
    reasoning=st.sampled_from(["", "", "Let me think. ", "思考"]),
    signature=st.sampled_from(["", "sig-one", "sig-two"]),
    tool_calls=st.lists(calls, max_size=3).map(tuple),
)
steps = st.builds(
    Step,
    choice=st.sampled_from(MODELS),
    content=texts,
    media=st.sampled_from([(), (), (IMAGE,), (IMAGE, PDF)]),
    thinking=st.sampled_from([None, Thinking(), Thinking(effort="high"), Thinking(budget_tokens=2_000)]),
    response_format=st.sampled_from(
        [None, None, ResponseFormat(), ResponseFormat(schema={"type": "object"})]
    ),
    streamed=st.booleans(),
    answer=answers,
    outputs_lost=st.sampled_from([0, 0, 0, 1, 3]),
    continues=st.booleans(),
)


class Conversation:
    """A thread as the store keeps it, and the vendor that plays all providers."""

    def __init__(self, vendor: FakeVendor, providers: Providers) -> None:
        self.vendor = vendor
        self._providers = providers
        self._history: list[HistoryMessage] = []
        self._media: dict[Any, tuple[Media, ...]] = {}

    async def take(self, step: Step) -> None:
        """Say something, have it answered, and answer its calls."""
        message_id = new_id()
        self._media[message_id] = step.media
        said = SendMessage(content=step.content, tools=list(TOOLS), thinking=step.thinking)
        prompt = self._prompt(said, step, message_id)
        self._remember("user", step.content, id=message_id)
        await self._answer(prompt, step)
        outputs = self._awaited()
        for call in outputs[: len(outputs) - step.outputs_lost] if step.outputs_lost else outputs:
            self._remember("tool", f"output of {call.name}", tool_call_id=call.id)
        if outputs and step.continues and not step.outputs_lost:
            await self._go_on(step)

    async def _go_on(self, step: Step) -> None:
        """Send the outputs on: the prompt ends with them."""
        whole = self._prompt(SendMessage(content="?", tools=list(TOOLS), thinking=step.thinking), step, None)
        prompt = replace(whole, messages=whole.messages[:-1])
        await self._answer(prompt, replace(step, answer=replace(step.answer, tool_calls=())))

    def _prompt(self, said: SendMessage, step: Step, message_id: Any) -> Prompt:
        turn = Turn(
            thread_id=new_id(),
            assistant_id=new_id(),
            system_prompt="Be brief.",
            tools=None,
            history=self._history,
            earlier_messages=0,
            unsummarised_messages=0,
            summary="They met before." if len(self._history) > 6 else None,
            summary_tokens=0,
            token_ratio=1.0,
        )
        prompt = assemble(turn, said, step.choice).prompt
        messages = list(prompt.messages)
        if message_id is not None:
            messages[-1] = replace(messages[-1], media=self._media[message_id])
        return replace(prompt, messages=tuple(messages), response_format=step.response_format)

    async def _answer(self, prompt: Prompt, step: Step) -> None:
        self.vendor.script(step.answer)
        asked = len(self.vendor.requests)
        draft = Draft(RunIds("t", "a", "r"), step.choice)
        async for delta in self._providers.stream(prompt, streamed=step.streamed):
            for _ in draft.add(delta):
                pass
        assert len(self.vendor.requests) == asked + 1, "the vendor refused the history at first"
        assert draft.finish is not None
        sidecar = msgspec.json.decode(msgspec.json.encode(draft.finish.sidecar))  # as the store gives it back
        self._remember(
            "assistant",
            draft.content,
            tool_calls=list(draft.tool_calls) or None,
            model_provider=step.choice.provider,
            sidecar=sidecar,
        )

    def _awaited(self) -> list[ToolCall]:
        return self._history[-1].tool_calls or []

    def _remember(self, role: str, content: str, **fields: Any) -> None:
        known: dict[str, Any] = {"id": new_id(), "status": "COMPLETED", "tokens": 1} | fields
        self._history.append(HistoryMessage(role=role, content=content, **known))  # pyright: ignore[reportArgumentType] - the roles of the test


@asynccontextmanager
async def conversation() -> AsyncGenerator[Conversation]:
    async with FakeVendor() as vendor:
        environment = {
            "OPENAI_API_KEY": "k",
            "OPENAI_BASE_URL": vendor.base_url,
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": vendor.root_url,
            "GEMINI_API_KEY": "k",
            "GEMINI_BASE_URL": vendor.root_url,
            "AWS_BEARER_TOKEN_BEDROCK": "k",
            "BEDROCK_BASE_URL": vendor.root_url,
            "GROQ_API_KEY": "k",
            "GROQ_BASE_URL": vendor.base_url,
            "MISTRAL_API_KEY": "k",
            "MISTRAL_BASE_URL": vendor.base_url,
            "DEEPSEEK_API_KEY": "k",
            "DEEPSEEK_BASE_URL": vendor.base_url,
            "MOONSHOT_API_KEY": "k",
            "MOONSHOTAI_BASE_URL": vendor.base_url,
        }
        providers = Providers(environment)
        try:
            yield Conversation(vendor, providers)
        finally:
            await providers.aclose()


async def drive(turns: list[Step]) -> None:
    async with conversation() as thread:
        for turn in turns:
            await thread.take(turn)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=3, max_size=10))
def test_any_thread_goes_on_with_any_provider(turns: list[Step]) -> None:
    asyncio.run(drive(turns))


@pytest.mark.parametrize("choice", SIGNING, ids=lambda choice: f"{choice.provider}/{choice.model}")
async def test_what_a_provider_signed_comes_back_to_it_after_a_detour(choice: ModelChoice) -> None:
    thought = Answer(text="I look.", reasoning="Hm.", signature=SEAL, tool_calls=(CalledTool("look"),))
    plain = Answer(text="Fine.")
    step = Step(
        choice=choice,
        content="Look!",
        media=(),
        thinking=Thinking(effort="high"),
        response_format=None,
        streamed=True,
        answer=thought,
        outputs_lost=0,
        continues=False,
    )
    async with conversation() as thread:
        await thread.take(step)
        await thread.take(replace(step, choice=MODELS[0], answer=plain))
        detour = thread.vendor.requests[-1].content
        await thread.take(replace(step, answer=plain))
        back = thread.vendor.requests[-1].content

    assert not any(seal in detour for seal in SEALS)
    assert any(seal in back for seal in SEALS)


@pytest.mark.parametrize("choice", ECHOING, ids=lambda choice: f"{choice.provider}/{choice.model}")
async def test_what_a_model_thought_beside_a_call_comes_back_to_it_and_to_nobody_else(
    choice: ModelChoice,
) -> None:
    thought = Answer(text="I look.", reasoning="A thought of its own.", tool_calls=(CalledTool("look"),))
    step = Step(
        choice=choice,
        content="Look!",
        media=(),
        thinking=None,
        response_format=None,
        streamed=True,
        answer=thought,
        outputs_lost=0,
        continues=False,
    )
    async with conversation() as thread:
        await thread.take(step)
        await thread.take(replace(step, choice=MODELS[0], answer=Answer(text="Fine.")))
        detour = thread.vendor.requests[-1].content
        await thread.take(replace(step, answer=Answer(text="Fine.")))
        back = thread.vendor.requests[-1].body["messages"]

    thoughts = [message.get("reasoning_content") for message in back if message["role"] == "assistant"]
    assert b"A thought of its own." not in detour
    assert thoughts == ["A thought of its own.", " "]
