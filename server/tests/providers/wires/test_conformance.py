"""What every wire must do, each against a vendor that speaks it: a new wire joins by one row here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

import pytest
from msgspec import Struct

from backboard_server.domain.errors import Upstream
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    Prompt,
    PromptMessage,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from backboard_server.providers import Providers
from backboard_server.providers.wires import WIRES
from fake_vendor import Answer, CalledTool, FakeVendor, Fault, Tokens


class Partner(Struct, frozen=True):
    """A vendor of a wire, and how a server is configured to reach it."""

    vendor: Callable[[], AbstractAsyncContextManager[FakeVendor]]
    provider: str
    key_variable: str
    base_url_variable: str


PARTNERS = {"openai_chat": Partner(FakeVendor, "openai", "OPENAI_API_KEY", "OPENAI_BASE_URL")}

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
        prompt = Prompt(choice=ModelChoice(partner.provider, "some-model"), messages=messages)
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
    assert first == '{"city": "Paris"}'
    assert isinstance(deltas[-1], Finish)
    assert deltas[-1].reason == "tool_calls"


@wires
@modes
async def test_usage_is_the_vendors_own_count(wire: str, streamed: bool) -> None:
    answer = Answer(text="Sun.", usage=Tokens(prompt=100, completion=20, cached=80, reasoning=15))

    deltas = await _answered(wire, answer, streamed=streamed)

    usage = Usage(input_tokens=100, output_tokens=20, cached_input_tokens=80, reasoning_tokens=15)
    assert deltas[-1] == Finish("stop", usage, "some-model")


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
