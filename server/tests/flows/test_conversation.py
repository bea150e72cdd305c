"""The main job, as an application does it: our own client, a server of its own, a vendor at the wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from backboard import BackboardAPIError, BackboardClient, SyncBackboardClient
from fake_vendor import Answer, FakeVendor, Fault, Tokens
from running_server import DEADLINE_SECONDS, RunningServer
from waiting import wait_until

KEY = "espr_conversation_key"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    """One server without any provider's key, but for the tests that name the vendor."""
    folder: Path = tmp_path_factory.mktemp("conversation") / "data"
    with RunningServer(folder, environment={"BACKBOARD_API_KEY": KEY}) as server:
        yield server


@contextlib.asynccontextmanager
async def server_with(vendor: FakeVendor, folder: Path, **environment: str) -> AsyncGenerator[RunningServer]:
    """Run a server beside the vendor, which lives in this event loop and must not be held up."""
    keys = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": vendor.base_url, "BACKBOARD_API_KEY": KEY}
    server = RunningServer(folder, environment=keys | environment)
    await asyncio.to_thread(server.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


def client_of(server: RunningServer) -> BackboardClient:
    return BackboardClient(api_key=KEY, base_url=f"{server.base_url}/api")


async def test_a_conversation_keeps_its_state(server: RunningServer) -> None:
    async with client_of(server) as client:
        assistant = await client.create_assistant(name="Bot", system_prompt="Be brief.")
        thread = await client.create_thread(assistant.assistant_id)
        await client.add_message(thread_id=thread.thread_id, content="My cat is called Minka.")
        said: list[str] = []
        async for event in await client.add_message(
            thread_id=thread.thread_id, content="What is my cat called?", stream=True
        ):
            if event.get("type") == "content_streaming":
                said.append(str(event.get("content", "")))
        stored = await client.get_thread(thread.thread_id)

    assert "Minka" in "".join(said)
    assert [message.role for message in stored.messages] == ["user", "assistant", "user", "assistant"]
    assert stored.messages[-1].content == "".join(said)


def test_the_sync_client_holds_the_same_conversation(server: RunningServer) -> None:
    with SyncBackboardClient(api_key=KEY, base_url=f"{server.base_url}/api") as client:
        first = client.send_message("The code word is heron.")
        second = client.send_message("What is the code word?", thread_id=first.thread_id)

    assert "heron" in str(second.content)
    assert second.model_provider == "local"


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="Noted."))
        async with server_with(vendor, tmp_path / "data") as server, client_of(server) as client:
            first = await client.send_message("Remember the number 17.")
        async with server_with(vendor, tmp_path / "data") as server, client_of(server) as client:
            await client.send_message("Which number?", thread_id=first.thread_id)

        shown = [message["content"] for message in vendor.requests[-1].body["messages"]]

    assert shown == ["Remember the number 17.", "Noted.", "Which number?"]


async def test_a_client_that_leaves_in_the_middle_finds_the_whole_answer_later(tmp_path: Path) -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="one two three four five six", chunks=6, chunk_delay_seconds=0.05))
        async with server_with(vendor, tmp_path / "data") as server, client_of(server) as client:
            thread_id = (await client.send_message("Before.", send_to_llm="false")).thread_id
            stream = await client.add_message(thread_id=thread_id, content="Count.", stream=True)
            async with stream:
                async for event in stream:
                    if event.get("type") == "content_streaming":
                        break

            async def is_complete() -> bool:
                messages = (await client.get_thread(thread_id)).messages
                return messages[-1].content == "one two three four five six"

            await wait_until(is_complete)


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.HANG_AFTER_HEADERS, Fault.HANG_BETWEEN_CHUNKS])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_vendor_that_hangs_is_given_up(tmp_path: Path, fault: Fault, streamed: bool) -> None:
    short = {
        "BACKBOARD_PROVIDER_FIRST_BYTE_TIMEOUT_SECONDS": "0.3",
        "BACKBOARD_PROVIDER_WHOLE_ANSWER_TIMEOUT_SECONDS": "0.3",
        "BACKBOARD_PROVIDER_BETWEEN_CHUNKS_TIMEOUT_SECONDS": "0.3",
        "BACKBOARD_RETRY_BASE_SECONDS": "0.01",
    }
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="never whole", chunks=2, fault=fault))
        async with server_with(vendor, tmp_path / "data", **short) as server, client_of(server) as client:
            saved = await client.send_message("First.", send_to_llm="false")
            async with asyncio.timeout(DEADLINE_SECONDS):
                with pytest.raises(BackboardAPIError, match=r"silent for 0\.3 s"):
                    await _answer(client, saved.thread_id, streamed=streamed)
            messages = (await client.get_thread(saved.thread_id)).messages

    assert [message.content for message in messages[:2]] == ["First.", "Hi"]
    assert messages[-1].status == "FAILED"


async def test_a_long_thread_is_summarised_in_the_background(tmp_path: Path) -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="They counted.", usage=Tokens(prompt=100, completion=5)))
        async with server_with(vendor, tmp_path / "data") as server, client_of(server) as client:
            first = await client.send_message("number 0", send_to_llm="false")
            for number in range(1, 61):
                await client.add_message(
                    thread_id=first.thread_id, content=f"number {number}", send_to_llm="false"
                )
            await client.add_message(thread_id=first.thread_id, content="Go on.")

            async def is_summarised() -> bool:
                answer = await client.add_message(thread_id=first.thread_id, content="And?")
                usage = answer.context_usage
                return usage is not None and usage.summary_tokens > 0

            await wait_until(is_summarised)
        prompts = [
            [message["content"] for message in request.body["messages"]] for request in vendor.requests
        ]

    shown = [prompt for prompt in prompts if prompt[-1] == "And?"][-1]  # the worker asks the vendor as well
    assert shown[0].endswith("They counted.")
    assert "number 0" not in shown
    assert len(shown) < 61


async def _answer(client: BackboardClient, thread_id: str, *, streamed: bool) -> None:
    if not streamed:
        await client.add_message(thread_id=thread_id, content="Hi")
        return
    async for _ in await client.add_message(thread_id=thread_id, content="Hi", stream=True):
        pass
