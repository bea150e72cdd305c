"""Every chat model behind one object: what is asked, what is asked again, and what is left behind.

How each fault of a vendor reads, on every wire, is the fault programme's subject (`providers/faults`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any

import pytest
from msgspec.structs import replace

from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.keys import Secret
from backboard_server.domain.ports import ChatModels
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    Media,
    ModelChoice,
    Prompt,
    PromptMessage,
    TextDelta,
    Thinking,
)
from backboard_server.providers import EgressTimeouts, Providers
from backboard_server.providers._circuits import CALLS_MIN
from backboard_server.providers.table import Row
from fake_vendor import Answer, ErrorEvent, FakeVendor, Fault, Status
from fake_vendor.dialects.openai_chat import OpenAIChat

KEY = "sk-a-key-that-must-not-be-seen"
TEXT = "Grüße an die schöne weite Welt"
REASONING = ModelChoice("openai", "gpt-5")
QUICK = EgressTimeouts(first_byte_seconds=0.2, whole_answer_seconds=0.2, between_chunks_seconds=0.2)
SIGNED = PromptMessage(
    "assistant", "Hm.", provider="openai", sidecar={"openai_chat": {"reasoning_details": [{"type": "seal"}]}}
)
PICTURE = Media(kind="image", media_type="image/png", filename="map.png", content=b"png")
REFUSED = Status(status=400, kind="invalid", message="I do not know this signature.")

modes = pytest.mark.parametrize("streamed", [True, False])


async def _deltas(providers: Providers, prompt: Prompt, *, streamed: bool) -> list[Delta]:
    return [delta async for delta in providers.stream(prompt, streamed=streamed)]


def _text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


@modes
async def test_cancelling_the_reader_closes_the_vendors_socket(
    providers: Providers, vendor: FakeVendor, prompt: Prompt, streamed: bool
) -> None:
    vendor.script(Answer(fault=Fault.SILENCE))
    reading = asyncio.create_task(_deltas(providers, prompt, streamed=streamed))

    async with asyncio.timeout(5):
        await vendor.wait_for_connections(1)
        reading.cancel()
        await vendor.wait_for_connections(0)

    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_closing_the_iterator_in_the_middle_closes_the_vendors_socket(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    vendor.script(Answer(text="one two three four", fault=Fault.HANG_BETWEEN_CHUNKS))

    async with aclosing(providers.stream(prompt, streamed=True)) as deltas:
        async for _ in deltas:
            break

    async with asyncio.timeout(5):
        await vendor.wait_for_connections(0)


async def test_what_does_not_come_after_the_end_is_not_waited_for_long(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    vendor.script(Answer(text=TEXT, fault=Fault.SILENT_AFTER_FINAL))

    async with asyncio.timeout(5):
        assert _text(await _deltas(providers, prompt, streamed=True)) == TEXT


@modes
@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.ERROR_FIRST, Fault.SILENCE])
async def test_the_key_is_seen_by_the_vendor_and_by_nobody_else(
    vendor: FakeVendor, prompt: Prompt, caplog: pytest.LogCaptureFixture, fault: Fault, streamed: bool
) -> None:
    vendor.script(Answer(fault=fault))
    environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": vendor.base_url}
    providers = Providers(environment, QUICK)

    with caplog.at_level(logging.DEBUG), pytest.raises(Upstream) as caught:
        await _deltas(providers, prompt, streamed=streamed)
    logging.getLogger().error("failed", exc_info=caught.value)
    await providers.aclose()

    assert vendor.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in f"{caught.value!r} {caught.value} {providers!r} {caplog.text}"


async def test_a_host_that_answers_in_the_other_mode_is_understood(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    plain = await _deltas(providers, prompt, streamed=False)
    streamed = await _deltas(providers, prompt, streamed=True)

    assert [len(plain), len(streamed)] == [2, 5]
    assert plain[-1] == streamed[-1]


async def test_a_model_that_is_known_not_to_reason_is_not_asked_to(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    thinking = replace(prompt, thinking=Thinking(effort="low"))

    await _deltas(providers, thinking, streamed=False)
    await _deltas(providers, replace(thinking, choice=REASONING), streamed=False)

    assert "reasoning_effort" not in vendor.requests[0].body
    assert vendor.requests[1].body["reasoning"]["effort"] == "low"


async def test_a_provider_that_is_not_configured_is_refused_before_any_call(prompt: Prompt) -> None:
    with pytest.raises(Invalid, match="OPENAI_API_KEY"):
        Providers({}).stream(prompt, streamed=True)


async def test_the_local_provider_needs_no_connection(prompt: Prompt) -> None:
    providers = Providers({"OLLAMA_BASE_URL": "http://127.0.0.1:9/v1"})
    port: ChatModels = providers

    choice = await port.choose(None, None)
    deltas = [delta async for delta in port.stream(replace(prompt, choice=choice), streamed=True)]
    await providers.aclose()

    assert isinstance(deltas[-1], Finish)
    assert port.facts(choice).context_limit == 32_768


async def test_many_streams_at_once_do_not_mix(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    vendor.script(Answer(chunk_delay_seconds=0.001))
    prompts = [
        replace(prompt, messages=(replace(prompt.messages[0], content=f"number {number}"),))
        for number in range(100)
    ]

    answers = await asyncio.gather(*(_deltas(providers, each, streamed=True) for each in prompts))

    for number, deltas in enumerate(answers):
        assert _text(deltas) == f"You said: number {number}"


@modes
async def test_a_host_without_responses_is_asked_over_chat(prompt: Prompt, streamed: bool) -> None:
    async with FakeVendor(dialects=(OpenAIChat(),)) as vendor:
        providers = Providers({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": vendor.base_url})
        thinking = replace(prompt, choice=REASONING, thinking=Thinking(effort="low"))

        deltas = await _deltas(providers, thinking, streamed=streamed)
        await providers.aclose()

    assert (
        "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == "You said: Good morning."
    )
    assert vendor.requests[0].body["reasoning_effort"] == "low"


@pytest.mark.parametrize("status", [404, 405])
async def test_the_way_around_a_missing_path_is_remembered(
    providers: Providers, vendor: FakeVendor, prompt: Prompt, status: int
) -> None:
    vendor.script(Answer(fault=Status(status=status, kind="invalid", message="Not here.")), Answer())
    reasoning = replace(prompt, choice=REASONING)

    await _deltas(providers, reasoning, streamed=True)
    await _deltas(providers, reasoning, streamed=True)

    assert [request.path for request in vendor.requests] == [
        "/v1/responses",
        "/v1/chat/completions",
        "/v1/chat/completions",
    ]


async def test_a_model_that_is_found_on_neither_way_is_looked_for_again(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    vendor.script(Answer(fault=Fault.MODEL_MISSING))
    reasoning = replace(prompt, choice=REASONING)

    for _ in range(2):
        with pytest.raises(Upstream) as caught:
            await _deltas(providers, reasoning, streamed=False)
        assert caught.value.kind == "model_missing"

    paths = [request.path for request in vendor.requests]
    assert paths == ["/v1/responses", "/v1/chat/completions"] * 2


async def test_who_may_not_see_the_reasoning_still_gets_the_answer(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    said = "Your organization must be verified to generate reasoning summaries."
    vendor.script(Answer(fault=Status(status=400, kind="invalid", message=said)), Answer(text=TEXT))
    thinking = replace(prompt, choice=REASONING, thinking=Thinking(effort="high"))

    assert _text(await _deltas(providers, thinking, streamed=True)) == TEXT

    reasoning = [request.body["reasoning"] for request in vendor.requests]
    assert reasoning == [{"effort": "high", "summary": "auto"}, {"effort": "high"}]


@modes
async def test_a_history_that_is_refused_is_sent_once_more_without_what_may_offend(
    providers: Providers, vendor: FakeVendor, prompt: Prompt, streamed: bool
) -> None:
    vendor.script(Answer(fault=REFUSED), Answer(text=TEXT))
    earlier = PromptMessage("user", "See this.", media=(PICTURE,))
    messages = (earlier, SIGNED, PromptMessage("user", "And this?", media=(PICTURE,)))

    deltas = await _deltas(providers, replace(prompt, messages=messages), streamed=streamed)

    assert _text(deltas) == TEXT
    first, second = (request.body["messages"] for request in vendor.requests)
    assert [message.get("reasoning_details") for message in first] == [None, [{"type": "seal"}], None]
    assert _has_picture(first[0])
    assert "reasoning_details" not in second[1]
    assert "map.png" in second[0]["content"]
    assert _has_picture(second[2])


def _has_picture(message: dict[str, Any]) -> bool:
    return "image_url" in [part["type"] for part in message["content"] if isinstance(part, dict)]


@pytest.mark.parametrize(
    "fault", [REFUSED, Status(status=401, kind="authentication"), Status(status=500, kind="server")]
)
async def test_a_refusal_that_stays_one_is_told_after_two_requests_and_others_after_one(
    providers: Providers, vendor: FakeVendor, prompt: Prompt, fault: Status
) -> None:
    vendor.script(Answer(fault=fault))

    with pytest.raises(Upstream):
        await _deltas(providers, replace(prompt, messages=(SIGNED, *prompt.messages)), streamed=True)

    assert len(vendor.requests) == (2 if fault is REFUSED else 1)


async def test_what_has_begun_is_never_asked_again(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    vendor.script(Answer(text=TEXT, fault=ErrorEvent(kind="invalid", status=400)))

    with pytest.raises(Upstream) as caught:
        await _deltas(providers, replace(prompt, messages=(SIGNED, *prompt.messages)), streamed=True)

    assert (caught.value.kind, len(vendor.requests)) == ("rejected_request", 1)


async def test_what_this_provider_never_saw_is_no_reason_to_ask_again(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    vendor.script(Answer(fault=REFUSED))
    foreign = replace(SIGNED, provider="anthropic")

    with pytest.raises(Upstream):
        await _deltas(providers, replace(prompt, messages=(foreign, *prompt.messages)), streamed=True)

    assert len(vendor.requests) == 1


async def test_a_tenants_own_key_is_sent_in_place_of_the_servers(
    providers: Providers, vendor: FakeVendor, prompt: Prompt
) -> None:
    vendor.script(Answer(fault=Fault.UNAUTHORIZED))

    with pytest.raises(Upstream, match="your own key for openai") as caught:
        await _deltas(providers, replace(prompt, keys={"openai": Secret("sk-own")}), streamed=True)

    assert vendor.requests[0].headers["authorization"] == "Bearer sk-own"
    assert "sk-own" not in str(caught.value)


@pytest.fixture
async def broken(vendor: FakeVendor) -> AsyncGenerator[Callable[..., Providers]]:
    """Make providers whose vendor always fails, with breakers as they are asked for."""
    vendor.script(Answer(fault=Fault.SERVER_ERROR))
    made: list[Providers] = []

    def make(**options: Any) -> Providers:
        made.append(Providers({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": vendor.base_url}, **options))
        return made[-1]

    yield make
    for providers in made:
        await providers.aclose()


async def _fail(providers: Providers, prompt: Prompt, times: int) -> None:
    for _ in range(times):
        with suppress(Upstream):
            await _deltas(providers, prompt, streamed=True)


async def test_a_provider_that_fails_too_often_is_not_asked_for_a_while(
    broken: Callable[..., Providers], vendor: FakeVendor, prompt: Prompt
) -> None:
    providers = broken()
    await _fail(providers, prompt, CALLS_MIN)

    with pytest.raises(Upstream, match="is not asked for now") as caught:
        await _deltas(providers, prompt, streamed=True)

    assert (caught.value.kind, caught.value.is_fallback_worthy) == ("circuit_open", True)
    assert caught.value.retry_after_seconds == pytest.approx(10, abs=5)
    assert len(vendor.requests) == CALLS_MIN


async def test_others_are_asked_while_one_is_not(
    broken: Callable[..., Providers], vendor: FakeVendor, prompt: Prompt
) -> None:
    providers = broken()
    await _fail(providers, prompt, CALLS_MIN)
    vendor.script(Answer(text=TEXT))

    other_model = replace(prompt, choice=ModelChoice("openai", "gpt-4o-mini"))
    own_key = replace(prompt, keys={"openai": Secret("sk-own")})

    assert _text(await _deltas(providers, other_model, streamed=True)) == TEXT
    assert _text(await _deltas(providers, own_key, streamed=True)) == TEXT


async def test_a_trial_that_is_left_makes_room_for_another_that_closes_the_circuit(
    broken: Callable[..., Providers], vendor: FakeVendor, prompt: Prompt
) -> None:
    providers = broken(circuit_open_seconds=1e-9)
    await _fail(providers, prompt, CALLS_MIN)
    vendor.script(Answer(text="one two three", fault=Fault.HANG_BETWEEN_CHUNKS), Answer(text=TEXT))

    async with aclosing(providers.stream(prompt, streamed=True)) as trial:
        await anext(trial)
        for _ in range(2):  # whoever is refused leaves the trial alone
            with pytest.raises(Upstream, match="is not asked for now"):
                await _deltas(providers, prompt, streamed=True)

    assert _text(await _deltas(providers, prompt, streamed=True)) == TEXT
    assert len(vendor.requests) == CALLS_MIN + 2


async def test_breakers_can_be_turned_off(
    broken: Callable[..., Providers], vendor: FakeVendor, prompt: Prompt
) -> None:
    providers = broken(circuit_open_seconds=0)

    await _fail(providers, prompt, CALLS_MIN + 5)

    assert len(vendor.requests) == CALLS_MIN + 5


async def test_the_operators_own_provider_is_called_like_any_other(
    vendor: FakeVendor, prompt: Prompt
) -> None:
    own = Row(
        id="mycorp",
        label="My corp",
        base_url=vendor.base_url,
        base_url_variable="MYCORP_BASE_URL",
        needs_key=False,
        is_at_hand=True,
    )
    providers = Providers({}, rows=[own])

    await _deltas(providers, replace(prompt, choice=ModelChoice("mycorp", "llama")), streamed=True)
    await providers.aclose()

    assert "authorization" not in vendor.requests[0].headers
    assert providers.facts(ModelChoice("mycorp", "llama")).is_free
