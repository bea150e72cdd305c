"""Every fault of a vendor, in both modes, from the port's point of view."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

import pytest
from msgspec import Struct
from msgspec.structs import replace

from backboard_server.domain.errors import Invalid, Upstream, UpstreamKind
from backboard_server.domain.ports import ChatModels
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    Prompt,
    TextDelta,
    Thinking,
    ToolCallDelta,
)
from backboard_server.providers import EgressTimeouts, Providers
from fake_vendor import Answer, FakeVendor, Fault, Status
from fake_vendor.dialects.openai_chat import OpenAIChat

KEY = "sk-a-key-that-must-not-be-seen"
TEXT = "Grüße an die schöne weite Welt"
REASONING = ModelChoice("openai", "gpt-5")
QUICK = EgressTimeouts(first_byte_seconds=0.2, whole_answer_seconds=0.2, between_chunks_seconds=0.2)


class Failing(Struct, frozen=True):
    """What is raised."""

    kind: UpstreamKind
    status: int | None = None
    retry_after_seconds: float | None = None
    is_retryable: bool = True


class Answering(Struct, frozen=True):
    """What is answered."""

    text: str = TEXT
    reason: str = "stop"
    has_usage: bool = True
    calls: tuple[tuple[str, str], ...] = ()


CITY = '{"city": "' + "x" * 5 * 1024 * 1024 + '"}'
BOTH: dict[Fault, Failing | Answering] = {
    Fault.SILENCE: Failing("timeout"),
    Fault.CLOSED_WITHOUT_ANSWER: Failing("unreachable"),
    Fault.HANG_AFTER_HEADERS: Failing("timeout"),
    Fault.HANG_BETWEEN_CHUNKS: Failing("timeout"),
    Fault.UNAUTHORIZED: Failing("rejected_key", 401, is_retryable=False),
    Fault.FORBIDDEN: Failing("rejected_key", 403, is_retryable=False),
    Fault.MODEL_MISSING: Failing("rejected_request", 404, is_retryable=False),
    Fault.CONTEXT_LENGTH: Failing("rejected_request", 400, is_retryable=False),
    Fault.REQUEST_TIMEOUT: Failing("timeout", 408),
    Fault.CONFLICT: Failing("failed", 409),
    Fault.RATE_LIMITED: Failing("rate_limited", 429, is_retryable=False),
    Fault.RATE_LIMITED_SECONDS: Failing("rate_limited", 429, 7.0),
    Fault.RATE_LIMITED_DATE: Failing("rate_limited", 429, 3600.0),
    Fault.RATE_LIMITED_MILLISECONDS: Failing("rate_limited", 429, 1.5),
    Fault.RATE_LIMITED_ZERO: Failing("rate_limited", 429, 0.0),
    Fault.RATE_LIMITED_HOUR: Failing("rate_limited", 429, 3600.0),
    Fault.RATE_LIMITED_GARBAGE: Failing("rate_limited", 429, is_retryable=False),
    Fault.SERVER_ERROR: Failing("failed", 500),
    Fault.BAD_GATEWAY: Failing("failed", 502),
    Fault.UNAVAILABLE: Failing("failed", 503, 2.0),
    Fault.GATEWAY_TIMEOUT: Failing("failed", 504),
    Fault.OVERLOADED: Failing("failed", 529),
    Fault.REDIRECT: Failing("malformed", 307),
    Fault.HTML: Failing("malformed"),
    Fault.WRONG_CONTENT_TYPE: Answering(),
    Fault.ERROR_FIRST: Failing("failed"),
    Fault.ERROR_MID_STREAM: Failing("failed"),
    Fault.GZIP_BOMB: Failing("malformed"),
    Fault.LONG_LINE: Failing("malformed"),
    Fault.EMPTY_CHOICES: Failing("malformed"),
    Fault.NULL_CONTENT: Answering(""),
    Fault.TRUNCATED_CLOSE: Failing("truncated"),
    Fault.TRUNCATED_RESET: Failing("truncated"),
    Fault.TRUNCATED_MID_UTF8: Failing("truncated"),
    Fault.TWO_FINALS: Answering(),
    Fault.NO_DONE: Answering(),
    Fault.COMMENTS: Answering(),
    Fault.NEVER_CLOSES: Answering(),
    Fault.SILENT_AFTER_FINAL: Answering(),
    Fault.SLOW_CLOSE: Answering(),
    Fault.USAGE_MISSING: Answering(has_usage=False),
    Fault.USAGE_NEGATIVE: Answering(has_usage=False),
    Fault.USAGE_ABSURD: Answering(has_usage=False),
    Fault.INVALID_ARGUMENTS: Answering(reason="tool_calls", calls=(("look_up", "{city: Paris"),)),
    Fault.TRUNCATED_ARGUMENTS: Answering(reason="tool_calls", calls=(("look_up", '{"city": "Par'),)),
    Fault.HUGE_ARGUMENTS: Answering(reason="tool_calls", calls=(("look_up", CITY),)),
    Fault.UNKNOWN_TOOL: Answering(reason="tool_calls", calls=(("no_such_tool", '{"a": 1}'),)),
    Fault.NAMELESS_CALL: Failing("malformed"),
    Fault.DUPLICATE_CALL_IDS: Answering(reason="tool_calls", calls=(("first", "{}"), ("second", "{}"))),
    Fault.MANY_CALLS: Answering(
        reason="tool_calls", calls=tuple(("look_up", f'{{"n": {number}}}') for number in range(200))
    ),
}
# A cut or a bend that a body without pieces feels in another way, or not at all.
STREAMED = BOTH | {
    Fault.TRUNCATED: Failing("truncated"),
    Fault.TRUNCATED_MID_JSON: Failing("truncated"),
    Fault.DUPLICATED_CHUNK: Answering("Grüße an die schöne schöne weite Welt"),
    Fault.OUT_OF_ORDER_INDEX: Answering(reason="tool_calls", calls=(("second", "{}"), ("first", "{}"))),
}
PLAIN = BOTH | {
    Fault.TRUNCATED: Failing("malformed"),
    Fault.TRUNCATED_MID_JSON: Failing("malformed"),
    Fault.DUPLICATED_CHUNK: Answering(),
    Fault.OUT_OF_ORDER_INDEX: Answering(reason="tool_calls", calls=(("first", "{}"), ("second", "{}"))),
}
HANGS = {Fault.SILENCE, Fault.HANG_AFTER_HEADERS, Fault.HANG_BETWEEN_CHUNKS, Fault.SILENT_AFTER_FINAL}


def _cases() -> list[object]:
    modes = [("streamed", True, STREAMED), ("plain", False, PLAIN)]
    return [
        pytest.param(fault, streamed, table[fault], id=f"{fault}-{name}")
        for name, streamed, table in modes
        for fault in Fault
    ]


async def _deltas(providers: Providers, prompt: Prompt, *, streamed: bool) -> list[Delta]:
    return [delta async for delta in providers.stream(prompt, streamed=streamed)]


@pytest.mark.parametrize(("fault", "streamed", "expected"), _cases())
async def test_every_fault_has_its_error_or_its_answer_and_leaves_nothing_behind(
    vendor: FakeVendor, prompt: Prompt, fault: Fault, streamed: bool, expected: Failing | Answering
) -> None:
    vendor.script(Answer(text=TEXT, fault=fault))
    environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": vendor.base_url}
    providers = Providers(environment, QUICK if fault in HANGS else EgressTimeouts())

    if isinstance(expected, Failing):
        with pytest.raises(Upstream) as caught:
            await _deltas(providers, prompt, streamed=streamed)
        _check_failure(caught.value, expected)
    else:
        _check_answer(await _deltas(providers, prompt, streamed=streamed), expected)

    await providers.aclose()
    async with asyncio.timeout(5):
        await vendor.wait_for_connections(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "goodbye"]


def _check_failure(error: Upstream, expected: Failing) -> None:
    wait = expected.retry_after_seconds
    assert (error.kind, error.status, error.provider) == (expected.kind, expected.status, "openai")
    assert error.retry_after_seconds == (None if wait is None else pytest.approx(wait, abs=120))
    assert error.is_retryable == expected.is_retryable
    assert error.message.startswith("OpenAI ")


def _check_answer(deltas: list[Delta], expected: Answering) -> None:
    *said, finish = deltas
    calls = _joined_calls(said)
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.usage is not None) == (expected.reason, expected.has_usage)
    assert "".join(delta.text for delta in said if isinstance(delta, TextDelta)) == expected.text
    assert tuple((name, arguments) for _, name, arguments in calls) == expected.calls
    assert len({call_id for call_id, _, _ in calls}) == len(calls)


def _joined_calls(deltas: list[Delta]) -> list[tuple[str, str, str]]:
    """Put the pieces together as the port promises them: id and name come with the first of an index."""
    calls: list[tuple[str, str, str]] = []
    for delta in deltas:
        if not isinstance(delta, ToolCallDelta):
            continue
        if delta.index == len(calls):
            assert delta.id
            assert delta.name
            calls.append((delta.id, delta.name, delta.arguments))
        else:
            assert delta.id is None
            call_id, name, arguments = calls[delta.index]
            calls[delta.index] = (call_id, name, arguments + delta.arguments)
    return calls


@pytest.mark.parametrize("streamed", [True, False])
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
        _check_answer(await _deltas(providers, prompt, streamed=True), Answering())


@pytest.mark.parametrize("streamed", [True, False])
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
    assert port.context_limit(choice) == 32_768


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
        text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
        assert text == f"You said: number {number}"


@pytest.mark.parametrize("streamed", [True, False])
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

    _check_answer(await _deltas(providers, thinking, streamed=True), Answering())

    reasoning = [request.body["reasoning"] for request in vendor.requests]
    assert reasoning == [{"effort": "high", "summary": "auto"}, {"effort": "high"}]
