"""Where a provider is asked, and how else: models with addresses of their own, hosts with fewer protocols."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress

import pytest
from msgspec.structs import replace

from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.prompts import Delta, ModelChoice, Prompt, TextDelta, Thinking, ToolChoice
from backboard_server.providers import Providers
from fake_vendor import Answer, FakeVendor, Status
from fake_vendor.dialects.openai_chat import OpenAIChat

KEY = "sk-a-key-that-must-not-be-seen"
REASONING = ModelChoice("openai", "gpt-5")
HELLO = b'{"object":"chat.completion","choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}'
CHUNKS = (
    b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hello."}}]}\n\n'
    b'data: {"object":"chat.completion.chunk","choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
NO_SUCH = b'{"error":"Unexpected endpoint or method. (POST /v1/responses)"}'

Serve = Callable[[dict[str, bytes]], Awaitable[tuple[str, list[str]]]]


def _http(content: bytes, kind: str = "application/json", status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + content


@pytest.fixture
async def serve() -> AsyncGenerator[Serve]:
    """Start a host that has one answer for each path, and one for all others; gives its address and log."""
    servers: list[asyncio.Server] = []

    async def start(answers: dict[str, bytes]) -> tuple[str, list[str]]:
        asked: list[str] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode().removeprefix("/v1")
            asked.append(path)
            with suppress(ConnectionError):
                writer.write(answers.get(path) or answers["*"])
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def _text(providers: Providers, prompt: Prompt, *, streamed: bool) -> str:
    deltas: list[Delta] = [delta async for delta in providers.stream(prompt, streamed=streamed)]
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


@pytest.mark.parametrize(
    ("answers", "streamed"),
    [
        ({"*": _http(CHUNKS, "text/event-stream")}, True),
        ({"*": _http(HELLO)}, False),
        ({"*": _http(HELLO)}, True),
        ({"/responses": _http(NO_SUCH), "*": _http(HELLO)}, False),
        ({"/responses": _http(NO_SUCH, status="400 Bad Request"), "*": _http(HELLO)}, False),
        ({"/responses": _http(b"", status="501 Not Implemented"), "*": _http(HELLO)}, False),
    ],
)
async def test_a_host_that_speaks_chat_alone_is_recognised_and_remembered(
    serve: Serve, prompt: Prompt, answers: dict[str, bytes], streamed: bool
) -> None:
    base_url, asked = await serve(answers)
    providers = Providers({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": base_url})

    texts = [await _text(providers, replace(prompt, choice=REASONING), streamed=streamed) for _ in range(2)]
    await providers.aclose()

    assert texts == ["Hello.", "Hello."]
    assert asked == ["/responses", "/chat/completions", "/chat/completions"]


async def test_a_model_that_may_not_think_beside_tools_over_chat_still_uses_them(prompt: Prompt) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    asked = replace(
        prompt, choice=ModelChoice("openai", "gpt-5.6"), tools=(tool,), thinking=Thinking(effort="high")
    )
    async with FakeVendor(dialects=(OpenAIChat(),)) as vendor:
        providers = Providers({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": vendor.base_url})
        await _text(providers, asked, streamed=True)
        await providers.aclose()

    assert vendor.requests[-1].body["reasoning_effort"] == "none"


async def test_a_refusal_that_is_not_about_the_path_is_no_reason_for_another(
    vendor: FakeVendor, providers: Providers, prompt: Prompt
) -> None:
    vendor.script(Answer(fault=Status(status=400, kind="invalid", message="Invalid value: 'url'.")))

    with pytest.raises(Upstream):
        await _text(providers, replace(prompt, choice=REASONING), streamed=True)

    assert [request.path for request in vendor.requests] == ["/v1/responses"]


@pytest.mark.parametrize(
    ("choice", "variables", "path", "key_header"),
    [
        (ModelChoice("opencode", "claude-opus-4-5"), ("OPENCODE", "OPENCODE"), "/v1/messages", "x-api-key"),
        (
            ModelChoice("opencode", "gemini-3-pro"),
            ("OPENCODE", "OPENCODE"),
            "/v1/models/gemini-3-pro:streamGenerateContent?alt=sse",
            "x-goog-api-key",
        ),
        (ModelChoice("opencode", "gpt-5"), ("OPENCODE", "OPENCODE"), "/v1/responses", "authorization"),
        (ModelChoice("zenmux", "openai/gpt-5"), ("ZENMUX", "ZENMUX"), "/v1/responses", "authorization"),
        (ModelChoice("azure", "kimi-k2.6"), ("AZURE", "AZURE_OPENAI"), "/v1/chat/completions", "api-key"),
        (ModelChoice("azure", "claude-opus-4-5"), ("AZURE", "AZURE_OPENAI"), "/v1/messages", "x-api-key"),
    ],
)
async def test_a_model_is_spoken_to_in_its_own_protocol_where_the_operator_said(
    vendor: FakeVendor,
    prompt: Prompt,
    choice: ModelChoice,
    variables: tuple[str, str],
    path: str,
    key_header: str,
) -> None:
    key, address = variables
    environment = {f"{key}_API_KEY": KEY, f"{address}_BASE_URL": vendor.base_url, "AZURE_RESOURCE_NAME": "no"}
    providers = Providers(environment)

    await _text(providers, replace(prompt, choice=choice), streamed=True)
    await providers.aclose()

    (request,) = vendor.requests
    assert request.path == path
    assert KEY in request.headers[key_header]


async def test_an_own_address_that_lacks_a_variable_says_which(prompt: Prompt) -> None:
    with pytest.raises(Invalid, match="AZURE_RESOURCE_NAME"):
        Providers({"AZURE_API_KEY": KEY}).stream(
            replace(prompt, choice=ModelChoice("azure", "claude-opus-4-5")), streamed=True
        )


async def test_a_model_that_turns_out_not_to_take_a_choice_of_tools_is_left_to_choose(
    vendor: FakeVendor, providers: Providers, prompt: Prompt
) -> None:
    vendor.script(
        Answer(fault=Status(status=400, kind="invalid", message="tool_choice required is not supported")),
        Answer(text="Hello."),
    )
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}

    text = await _text(
        providers, replace(prompt, tools=(tool,), tool_choice=ToolChoice("required")), streamed=True
    )

    assert text == "Hello."
    assert [request.body.get("tool_choice") for request in vendor.requests] == ["required", None]
    assert all("tools" in request.body for request in vendor.requests)
