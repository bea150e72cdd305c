from __future__ import annotations

import pytest

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    Prompt,
    PromptMessage,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from backboard_server.providers import Providers
from backboard_server.providers._hosts import Host
from backboard_server.providers.table import Row
from backboard_server.providers.wires.gemini import Gemini
from fake_vendor import Answer, CalledTool, FakeVendor

FACTS = Facts(context_limit=1_000)
ROW = Row(id="google", label="Google", base_url="", base_url_variable="GEMINI_BASE_URL", wire="gemini")
ROOT = "https://generativelanguage.googleapis.com"


def _prompt(model: str = "gemini-2.5-flash") -> Prompt:
    return Prompt(choice=ModelChoice("google", model), messages=(PromptMessage("user", "Hi."),))


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        (ROOT, f"{ROOT}/v1beta"),
        (f"{ROOT}/v1beta", f"{ROOT}/v1beta"),
        (f"{ROOT}/v1", f"{ROOT}/v1"),
        (f"{ROOT}/v1alpha", f"{ROOT}/v1alpha"),
        (f"{ROOT}/v1beta/openai", f"{ROOT}/v1beta"),
        ("http://proxy/gemini", "http://proxy/gemini/v1beta"),
    ],
)
def test_a_base_url_may_end_in_a_version(base_url: str, root: str) -> None:
    call = Gemini().call(_prompt(), Host(ROW, base_url, "k"), FACTS, streamed=False)

    assert call.url == f"{root}/models/gemini-2.5-flash:generateContent"
    assert call.is_whole


def test_a_stream_is_asked_for_by_its_own_address_and_the_key_is_in_a_header_alone() -> None:
    call = Gemini().call(_prompt(), Host(ROW, ROOT, "secret"), FACTS, streamed=True)

    assert call.url == f"{ROOT}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert call.headers["x-goog-api-key"] == "secret"
    assert not call.is_whole


def test_without_a_key_no_header_is_sent() -> None:
    call = Gemini().call(_prompt(), Host(ROW, ROOT, ""), FACTS, streamed=True)

    assert "x-goog-api-key" not in call.headers


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/gemini-2.5-pro", "models/gemini-2.5-pro"),
        ("tunedModels/mine", "tunedModels/mine"),
        ("../../v1/files?a=b#", "models/..%2F..%2Fv1%2Ffiles%3Fa%3Db%23"),
    ],
)
def test_a_models_name_stays_in_its_place_of_the_path(model: str, path: str) -> None:
    call = Gemini().call(_prompt(model), Host(ROW, ROOT, "k"), FACTS, streamed=False)

    assert call.url == f"{ROOT}/v1beta/{path}:generateContent"


def test_an_event_with_a_large_picture_passes_through() -> None:
    picture = b'{"candidates":[{"content":{"parts":[{"inlineData":{"data":"' + b"x" * 8_000_000 + b'"}}]}}]}'
    wire = Gemini()

    frames = wire.frames()
    assert frames.feed(b"data: " + picture) == []
    (payload,) = frames.feed(b"\r\n\r\n")

    assert list(wire.reader().take(payload)) == []


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        Answer(
            text="Let me see.", tool_calls=(CalledTool("a", '{"b": 1.50}'), CalledTool("c")), signature="seal"
        ),
        Answer(text="Let me see.", reasoning="Hm.", signature="seal"),
        Answer(tool_calls=(CalledTool("a", "{}", "same"), CalledTool("a", "{}", "same")), signature="seal"),
    ],
)
async def test_a_signed_answer_is_taken_back_by_who_signed_it(answer: Answer, streamed: bool) -> None:
    question = PromptMessage("user", "Why?")
    async with FakeVendor() as vendor:
        vendor.script(answer)
        providers = Providers({"GEMINI_API_KEY": "k", "GEMINI_BASE_URL": vendor.root_url})
        choice = ModelChoice("google", "gemini-3-pro-preview")
        first = Prompt(choice=choice, messages=(question,))
        message = _as_message([delta async for delta in providers.stream(first, streamed=streamed)])
        outputs = (PromptMessage("tool", "Sun.", tool_call_id=call.id) for call in message.tool_calls)
        last = tuple(outputs) or (PromptMessage("user", "Thanks."),)
        second = Prompt(choice=choice, messages=(question, message, *last))
        again = [delta async for delta in providers.stream(second, streamed=streamed)]
        await providers.aclose()

        signatures = str(vendor.requests[1].body).count("thoughtSignature")
        assert (len(vendor.requests), signatures) == (2, 1)
    assert isinstance(again[-1], Finish)


def _as_message(deltas: list[Delta]) -> PromptMessage:
    finish = deltas[-1]
    assert isinstance(finish, Finish)
    calls = tuple(
        ToolCall(delta.id or "", delta.name or "", delta.arguments)
        for delta in deltas
        if isinstance(delta, ToolCallDelta)
    )
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    return PromptMessage("assistant", text, calls, provider="google", sidecar=finish.sidecar)
