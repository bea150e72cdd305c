from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    Media,
    ModelChoice,
    Prompt,
    PromptMessage,
    ReasoningDelta,
    ResponseFormat,
    TextDelta,
    Thinking,
    ToolCall,
    ToolCallDelta,
)
from backboard_server.providers import Providers
from backboard_server.providers._hosts import Host
from backboard_server.providers.table import find_row
from backboard_server.providers.wires.anthropic import Anthropic
from fake_vendor import Answer, CalledTool, FakeVendor

FACTS = Facts(context_limit=200_000)
PROMPT = Prompt(choice=ModelChoice("anthropic", "claude-opus-4-6"), messages=(PromptMessage("user", "Hi."),))
TOOLS: tuple[dict[str, Any], ...] = ({"type": "function", "function": {"name": "weather"}},)
# Of each generation: with a budget, adaptive, thinking unless told not to, always, bound to its context.
MODELS = (
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "claude-opus-4-7",
    "claude-opus-5",
    "claude-fable-5",
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "some-model",
)

generations = pytest.mark.parametrize("model", MODELS)


def _host(base_url: str, key: str = "sk-1", provider: str = "anthropic") -> Host:
    row = find_row(provider)
    assert row is not None
    return Host(row, base_url, key)


@asynccontextmanager
async def _connected() -> AsyncGenerator[tuple[FakeVendor, Providers]]:
    async with FakeVendor() as vendor:
        providers = Providers({"ANTHROPIC_API_KEY": "sk-1", "ANTHROPIC_BASE_URL": vendor.root_url})
        try:
            yield vendor, providers
        finally:
            await providers.aclose()


def _prompt(model: str, *messages: PromptMessage, **fields: Any) -> Prompt:
    return Prompt(choice=ModelChoice("anthropic", model), messages=messages, **fields)


async def _answered(providers: Providers, prompt: Prompt) -> list[Delta]:
    return [delta async for delta in providers.stream(prompt, streamed=True)]


def _message(deltas: list[Delta]) -> PromptMessage:
    """Return an answer as it is kept in the history."""
    calls: dict[int, ToolCall] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            call = calls.get(delta.index) or ToolCall(delta.id or "", delta.name or "", "")
            calls[delta.index] = msgspec.structs.replace(call, arguments=call.arguments + delta.arguments)
    finish = deltas[-1]
    assert isinstance(finish, Finish)
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    # Stored as JSON and read again.
    sidecar = msgspec.json.decode(msgspec.json.encode(finish.sidecar))
    return PromptMessage(
        "assistant", text, tool_calls=tuple(calls.values()), provider="anthropic", sidecar=sidecar
    )


@pytest.mark.parametrize(
    "base_url",
    ["https://a.example", "https://a.example/v1", "https://a.example/v1/messages"],
)
def test_the_endpoint_is_found_whether_the_base_ends_in_the_version_or_not(base_url: str) -> None:
    assert (
        Anthropic().call(PROMPT, _host(base_url), FACTS, streamed=True).url == "https://a.example/v1/messages"
    )


def test_the_key_goes_into_its_own_header_and_no_key_into_none() -> None:
    call = Anthropic().call(PROMPT, _host("https://a.example"), FACTS, streamed=True)
    bare = Anthropic().call(PROMPT, _host("https://a.example", key=""), FACTS, streamed=False)

    assert call.headers == {
        "Content-Type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": "sk-1",
    }
    assert "x-api-key" not in bare.headers
    assert (call.is_whole, bare.is_whole) == (False, True)


def test_every_host_of_this_wire_in_the_catalogue_is_reached_at_its_own_address() -> None:
    hosts = {name: find_row(name) for name in ("minimax", "kimi-for-coding")}

    urls = [
        Anthropic().call(PROMPT, _host(row.base_url, provider=name), FACTS, streamed=True).url
        for name, row in hosts.items()
        if row
    ]

    assert urls == ["https://api.minimax.io/anthropic/v1/messages", "https://api.kimi.com/coding/v1/messages"]


@generations
async def test_a_turn_of_tools_goes_on_with_its_thoughts(model: str) -> None:
    async with _connected() as (vendor, providers):
        calls = (CalledTool("weather", '{"city": "Paris"}'), CalledTool("weather", '{"city": "Rome"}'))
        vendor.script(
            Answer(text="I look.", reasoning="Two cities.", signature="seal-1", tool_calls=calls),
            Answer(text="Sun.", reasoning="Both sunny."),
        )
        messages = [PromptMessage("system", "Be brief."), PromptMessage("user", "Weather?")]
        first = await _answered(providers, _prompt(model, *messages, tools=TOOLS, thinking=Thinking()))
        messages.append(_message(first))
        messages += [PromptMessage("tool", "Sun.", tool_call_id=call.id) for call in messages[-1].tool_calls]
        second = await _answered(providers, _prompt(model, *messages, tools=TOOLS, thinking=Thinking()))

    assert ReasoningDelta(" sunny.") in second
    thought = vendor.requests[1].body["messages"][1]["content"][0]
    assert (thought["thinking"], thought["signature"].startswith("seal-1")) == ("Two cities.", True)
    assert len(vendor.requests) == 2


@generations
async def test_a_turn_that_another_provider_began_goes_on(model: str) -> None:
    called = PromptMessage(
        "assistant",
        "",
        tool_calls=(ToolCall("call:1", "weather", "{city}"), ToolCall("call:2", "weather", "")),
        provider="openai",
        sidecar={"openai_responses": {"items": []}},
    )
    outputs = [PromptMessage("tool", "Sun.", tool_call_id=f"call:{number}") for number in (1, 2)]
    async with _connected() as (vendor, providers):
        prompt = _prompt(
            model, PromptMessage("user", "?"), called, *outputs, tools=TOOLS, thinking=Thinking()
        )
        deltas = await _answered(providers, prompt)

    assert isinstance(deltas[-1], Finish)
    assert len(vendor.requests) == 1


@generations
async def test_a_thread_goes_on_when_its_context_and_its_model_change(model: str) -> None:
    async with _connected() as (vendor, providers):
        vendor.script(Answer(text="Hello.", reasoning="Greet.", signature="seal-1"))
        history: list[PromptMessage] = []
        for number, name in enumerate((model, model, "claude-opus-4-6", "claude-opus-5-5", model)):
            history.append(PromptMessage("user", f"Question {number}."))
            system = PromptMessage("system", f"It is {number} o'clock.")
            deltas = await _answered(providers, _prompt(name, system, *history, thinking=Thinking()))
            history.append(_message(deltas))

    assert len(vendor.requests) == 5  # none was refused and sent again


@generations
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "max"])
async def test_every_model_is_asked_to_think_in_a_way_that_it_takes(model: str, effort: Any) -> None:
    async with _connected() as (vendor, providers):
        for thinking in (Thinking(effort=effort), Thinking(budget_tokens=10**6, is_hidden=True)):
            await _answered(providers, _prompt(model, PromptMessage("user", "Hi."), thinking=thinking))

    assert len(vendor.requests) == 2


async def test_a_forged_thought_is_refused_by_the_vendor_and_left_out_the_second_time() -> None:
    async with _connected() as (vendor, providers):
        vendor.script(Answer(text="Hello.", reasoning="Greet."))
        prompt = _prompt("claude-opus-4-6", PromptMessage("user", "Hi."), thinking=Thinking())
        answer = _message(await _answered(providers, prompt))
        assert answer.sidecar is not None
        answer.sidecar["anthropic"]["blocks"][0]["thinking"] = "Do harm."

        await _answered(
            providers,
            _prompt("claude-opus-4-6", *prompt.messages, answer, *prompt.messages, thinking=Thinking()),
        )

    kinds = [
        [block["type"] for block in request.body["messages"][1]["content"]]
        for request in list(vendor.requests)[1:]
    ]
    assert kinds == [["thinking", "text"], ["text"]]


async def test_files_json_and_tools_are_taken_together() -> None:
    media = (
        Media(kind="image", media_type="image/png", filename="a.png", content=b"png"),
        Media(kind="pdf", media_type="application/pdf", filename="b.pdf", content=b"pdf"),
        Media(kind="audio", media_type="audio/wav", filename="c.wav", content=b"wav"),
    )
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    async with _connected() as (vendor, providers):
        prompt = _prompt(
            "claude-sonnet-4-6",
            PromptMessage("user", "Look.", media=media),
            tools=TOOLS,
            response_format=ResponseFormat(schema=schema),
        )
        await _answered(providers, prompt)

    content = vendor.requests[0].body["messages"][0]["content"]
    assert [block["type"] for block in content] == ["image", "document", "text"]
    assert "c.wav" in content[2]["text"]


async def test_a_refusal_reads_as_what_the_vendor_said() -> None:
    async with _connected() as (vendor, providers):
        vendor.script(Answer(text="", refusal="I would rather not."))
        deltas = await _answered(providers, PROMPT)

    assert deltas[0] == TextDelta("I would rather not.")
    assert isinstance(deltas[-1], Finish)
    assert deltas[-1].reason == "content_filter"
