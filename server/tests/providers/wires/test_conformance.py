"""What every wire must do, each against a vendor that speaks it: a new wire joins by one row here."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, cast, get_args

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from backboard_server.domain.errors import Upstream
from backboard_server.domain.prompts import (
    Delta,
    Effort,
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
    ToolChoice,
    Usage,
)
from backboard_server.providers import Providers
from backboard_server.providers.table import WireName
from backboard_server.providers.wires import WIRES
from fake_vendor import Answer, CalledTool, FakeVendor, Fault, Recorded, Tokens


class Partner(Struct, frozen=True):
    """A vendor of a wire, and how a server is configured to reach it."""

    vendor: Callable[[], AbstractAsyncContextManager[FakeVendor]]
    provider: str
    key_variable: str
    base_url_variable: str
    model: str = "some-model"
    tells_model: bool = True
    counts_reasoning: bool = True


PARTNERS = {
    "anthropic": Partner(FakeVendor, "anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "bedrock": Partner(
        FakeVendor,
        "amazon-bedrock",
        "AWS_BEARER_TOKEN_BEDROCK",
        "BEDROCK_BASE_URL",
        tells_model=False,
        counts_reasoning=False,
    ),
    "openai_chat": Partner(FakeVendor, "openai", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "openai_responses": Partner(FakeVendor, "openai", "OPENAI_API_KEY", "OPENAI_BASE_URL", "gpt-5"),
    "gemini": Partner(FakeVendor, "google", "GEMINI_API_KEY", "GEMINI_BASE_URL"),
}

# Of each family of models, as they take wishes to think in their own ways.
THINKING_MODELS = {
    "anthropic": ("claude-3-7-sonnet-20250219", "claude-sonnet-4-5", "claude-opus-4-6", "claude-sonnet-4-6"),
    "bedrock": ("us.anthropic.claude-sonnet-4-6", "amazon.nova-pro-v1:0", "some-model"),
    "gemini": ("gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro-preview", "gemini-2.0-flash"),
    "openai_chat": ("some-model", "gpt-4o"),
    "openai_responses": ("gpt-5", "o3-mini", "gpt-5-pro", "gpt-5.1"),
}
IMAGE = Media(
    kind="image", media_type="image/png", filename="a.png", content=b"\x89PNG\r\n\x1a\n of an image"
)
PDF = Media(kind="pdf", media_type="application/pdf", filename="a b/ü.pdf", content=b"%PDF-1.7 of a document")
AUDIO = Media(kind="audio", media_type="audio/wav", filename="a.wav", content=b"RIFF....WAVE of a voice")
PERSON = ResponseFormat(
    schema={
        "type": "object",
        "properties": {"full_name_of_the_person": {"type": "string"}},
        "required": ["full_name_of_the_person"],
        "additionalProperties": False,
    },
    name="person",
)
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "look up the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}

wires = pytest.mark.parametrize("wire", PARTNERS)
modes = pytest.mark.parametrize("streamed", [True, False])


@asynccontextmanager
async def _connected(wire: str) -> AsyncGenerator[tuple[FakeVendor, Providers, Prompt]]:
    partner = PARTNERS[wire]
    async with partner.vendor() as vendor:
        providers = Providers({partner.key_variable: "k", partner.base_url_variable: vendor.base_url})
        messages = (
            PromptMessage("system", "Be brief."),
            PromptMessage("user", "What is the weather?"),
            PromptMessage("assistant", "", tool_calls=(ToolCall("call_1", "weather", "{}"),)),
            PromptMessage("tool", "Sun.", tool_call_id="call_1"),
        )
        prompt = Prompt(choice=ModelChoice(partner.provider, partner.model), messages=messages)
        try:
            yield vendor, providers, prompt
        finally:
            await providers.aclose()


async def _answered(wire: str, answer: Answer, *, streamed: bool) -> list[Delta]:
    async with _connected(wire) as (vendor, providers, prompt):
        vendor.script(answer)
        return [delta async for delta in providers.stream(prompt, streamed=streamed)]


def test_every_wire_has_a_partner_here() -> None:
    assert set(PARTNERS) == set(WIRES)


@wires
@modes
async def test_text_arrives_whole_and_in_order(wire: str, streamed: bool) -> None:
    deltas = await _answered(wire, Answer(text="Sun until noon, 20 °C. 晴れ"), streamed=streamed)

    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    assert text == "Sun until noon, 20 °C. 晴れ"
    assert (len(deltas) > 2) == streamed


@wires
@modes
async def test_reasoning_comes_apart_from_the_text_and_before_it(wire: str, streamed: bool) -> None:
    deltas = await _answered(wire, Answer(text="Sun.", reasoning="It is June."), streamed=streamed)

    thoughts = [delta.text for delta in deltas if isinstance(delta, ReasoningDelta)]
    assert "".join(thoughts) == "It is June."
    assert deltas[len(thoughts)] == TextDelta("Sun.")


@wires
@modes
async def test_parallel_tool_calls_arrive_with_id_name_and_arguments(wire: str, streamed: bool) -> None:
    calls = (CalledTool("weather", '{"city": "Paris"}', "call_a"), CalledTool("time", "{}", "call_b"))
    deltas = await _answered(wire, Answer(tool_calls=calls), streamed=streamed)

    pieces = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    opened = [(piece.index, piece.id, piece.name) for piece in pieces if piece.id]
    first = "".join(piece.arguments for piece in pieces if piece.index == 0)
    assert opened == [(0, "call_a", "weather"), (1, "call_b", "time")]
    assert msgspec.json.decode(first) == {"city": "Paris"}
    assert isinstance(deltas[-1], Finish)
    assert deltas[-1].reason == "tool_calls"


@wires
@modes
async def test_usage_is_the_vendors_own_count(wire: str, streamed: bool) -> None:
    answer = Answer(text="Sun.", usage=Tokens(prompt=100, completion=20, cached=80, reasoning=15))

    deltas = await _answered(wire, answer, streamed=streamed)

    partner = PARTNERS[wire]
    reasoning = 15 if partner.counts_reasoning else 0
    usage = Usage(input_tokens=100, output_tokens=20, cached_input_tokens=80, reasoning_tokens=reasoning)
    assert deltas[-1] == Finish("stop", usage, partner.model if partner.tells_model else None)


@wires
@modes
async def test_a_finish_comes_once_and_last(wire: str, streamed: bool) -> None:
    deltas = await _answered(wire, Answer(text="Sun.", finish_reason="length"), streamed=streamed)

    assert [delta.reason for delta in deltas if isinstance(delta, Finish)] == ["length"]
    assert isinstance(deltas[-1], Finish)


@wires
@modes
async def test_an_error_of_the_vendor_is_ours(wire: str, streamed: bool) -> None:
    with pytest.raises(Upstream) as caught:
        await _answered(wire, Answer(fault=Fault.OVERLOADED), streamed=streamed)

    assert (caught.value.kind, caught.value.status) == ("failed", 529)


@wires
async def test_leaving_a_stream_closes_its_socket(wire: str) -> None:
    async with _connected(wire) as (vendor, providers, prompt):
        vendor.script(Answer(text="one two three four", fault=Fault.HANG_BETWEEN_CHUNKS))
        async with aclosing(providers.stream(prompt, streamed=True)) as deltas:
            async for _ in deltas:
                break

        async with asyncio.timeout(5):
            await vendor.wait_for_connections(0)


@wires
@modes
async def test_leaving_before_the_answer_closes_the_socket_within_a_second(wire: str, streamed: bool) -> None:
    async with _connected(wire) as (vendor, providers, prompt):
        vendor.script(Answer(fault=Fault.SILENCE))
        asking = asyncio.create_task(anext(providers.stream(prompt, streamed=streamed)))
        async with asyncio.timeout(5):
            await vendor.wait_for_connections(1)
        asking.cancel()

        async with asyncio.timeout(1):
            await vendor.wait_for_connections(0)
        with pytest.raises(asyncio.CancelledError):
            await asking


@wires
@pytest.mark.parametrize("media", [IMAGE, PDF, AUDIO], ids=lambda media: media.kind)
async def test_files_that_the_wire_carries_reach_the_vendor_whole(wire: str, media: Media) -> None:
    if media.kind not in WIRES[cast("WireName", wire)].media_kinds:
        pytest.skip(f"{wire} carries no {media.kind}")

    request = await _asked(wire, messages=(PromptMessage("user", "Look.", media=(media,)),))

    assert b64encode(media.content) in request.content
    assert b"Look." in request.content


@wires
async def test_a_file_without_a_text_is_enough(wire: str) -> None:
    request = await _asked(wire, messages=(PromptMessage("user", "", media=(IMAGE,)),))

    assert b64encode(IMAGE.content) in request.content


@wires
@pytest.mark.parametrize("has_tools", [False, True])
async def test_a_schema_reaches_the_model_in_a_field_or_in_words(wire: str, has_tools: bool) -> None:
    tools = (WEATHER,) if has_tools else ()

    request = await _asked(wire, response_format=PERSON, tools=tools)

    assert b"full_name_of_the_person" in request.content
    assert (b"look up the weather" in request.content) == has_tools


@wires
async def test_a_json_object_is_asked_for(wire: str) -> None:
    request = await _asked(wire, response_format=ResponseFormat())

    assert b"json" in request.content.lower()


@wires
@pytest.mark.parametrize(
    "thinking",
    [
        Thinking(),
        *(Thinking(effort=effort) for effort in get_args(Effort)),
        Thinking(budget_tokens=0),
        Thinking(budget_tokens=1),
        Thinking(budget_tokens=4_000),
        Thinking(budget_tokens=1_000_000),
        Thinking(effort="low", is_hidden=True),
    ],
    ids=str,
)
async def test_no_wish_to_think_is_refused(wire: str, thinking: Thinking) -> None:
    for model in THINKING_MODELS[wire]:
        await _asked(wire, model=model, thinking=thinking)


@wires
@modes
async def test_a_filtered_answer_says_so(wire: str, streamed: bool) -> None:
    answer = Answer(text="I", finish_reason="content_filter")

    deltas = await _answered(wire, answer, streamed=streamed)

    assert isinstance(deltas[-1], Finish)
    assert deltas[-1].reason == "content_filter"


@wires
@modes
async def test_what_is_kept_of_an_answer_is_under_the_wires_own_name(wire: str, streamed: bool) -> None:
    call = CalledTool("weather", "{}", "call_a")
    answer = Answer(text="I look.", reasoning="Hm.", signature="sealed", tool_calls=(call,))

    deltas = await _answered(wire, answer, streamed=streamed)

    assert isinstance(deltas[-1], Finish)
    assert list(deltas[-1].sidecar or {}) == [wire]


@wires
@pytest.mark.parametrize(
    "sidecar", [{}, {"x": 1}, None, [], "text", {"content": {}}, [[]], [1], [{"type": 1}]]
)
async def test_a_sidecar_of_another_shape_is_of_no_account(wire: str, sidecar: object) -> None:
    call = ToolCall("call_1", "weather", "{}")
    provider = PARTNERS[wire].provider
    messages = (
        PromptMessage("user", "What is the weather?"),
        PromptMessage("assistant", "I look.", (call,), provider=provider, sidecar={wire: sidecar}),
        PromptMessage("tool", "Sun.", tool_call_id="call_1"),
    )

    request = await _asked(wire, messages=messages, tools=(WEATHER,))

    assert b"I look." in request.content


@wires
@pytest.mark.parametrize("arguments", ["", "{", "null", "[1]", '"text"', "{city: Paris}", '{"a": "\\ud800"}'])
async def test_arguments_that_are_no_object_do_not_brick_the_thread(wire: str, arguments: str) -> None:
    messages = (
        PromptMessage("user", "What is the weather?"),
        PromptMessage("assistant", "", (ToolCall("call_1", "weather", arguments),)),
        PromptMessage("tool", "That was no JSON.", tool_call_id="call_1"),
    )

    request = await _asked(wire, messages=messages, tools=(WEATHER,))

    assert b"That was no JSON." in request.content


@wires
@pytest.mark.parametrize(
    "choice",
    [
        ToolChoice("auto"),
        ToolChoice("none"),
        ToolChoice("required"),
        ToolChoice("function", "weather"),
        ToolChoice("function", "unknown"),
    ],
    ids=str,
)
@pytest.mark.parametrize("has_tools", [False, True])
@pytest.mark.parametrize("thinking", [None, Thinking(effort="high")], ids=str)
async def test_no_choice_of_tools_is_refused(
    wire: str, choice: ToolChoice, has_tools: bool, thinking: Thinking | None
) -> None:
    tools = (WEATHER,) if has_tools else ()

    for model in THINKING_MODELS[wire]:
        await _asked(wire, model=model, tools=tools, tool_choice=choice, thinking=thinking)


async def _asked(wire: str, *, model: str | None = None, **fields: Any) -> Recorded:
    """Return the one request that a prompt becomes; the vendor must take it."""
    async with _connected(wire) as (vendor, providers, prompt):
        choice = ModelChoice(prompt.choice.provider, model or prompt.choice.model)
        async with aclosing(
            providers.stream(replace(prompt, choice=choice, **fields), streamed=True)
        ) as deltas:
            assert [delta async for delta in deltas if isinstance(delta, Finish)]
        (request,) = vendor.requests
        return request
