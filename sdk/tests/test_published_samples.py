"""Programs that were written for the published SDK: its samples run here word for word."""

from __future__ import annotations

import ast
import gc
import inspect
import re
import types
from pathlib import Path
from typing import Any

import pytest

from backboard import BackboardClient

from .scripted_server import Answer, Received, ScriptedServer, json_answer, sse, stream_answer
from .test_assistants import ASSISTANT
from .test_documents import DOCUMENT
from .test_memories import MEMORY
from .test_messages import ANSWER
from .test_threads import THREAD

SAMPLES = Path(__file__).with_name("published_samples.md").read_text("utf-8")
ID = "018f2b6a-0000-7000-8000-000000000001"
MEMORIES = {"memories": [MEMORY], "total_count": 1}
SPOKEN = {**ANSWER, "voice_records": {"stt": {"transcript": "Where is my order?"}}}
CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "get_current_weather", "arguments": '{"location": "San Francisco"}'},
}
GONE = {"success": True, "message": "Gone", "deleted_at": "2026-11-23T10:00:00Z"}

# The first that matches method and path answers.
ANSWERS: list[tuple[str, Any]] = [
    (r"POST /api/assistants/[^/]+/threads", THREAD),
    (r"POST /api/assistants/[^/]+/memories", {"success": True, "memory_id": "m1"}),
    (r"GET /api/assistants/[^/]+/memories", MEMORIES),
    (r"GET /api/assistants/[^/]+/memories/stats", {"total_memories": 1}),
    (r"(GET|PUT) /api/assistants/[^/]+/memories/[^/]+", MEMORY),
    (r"GET /api/assistants/[^/]+/threads|GET /api/threads", [THREAD]),
    (r"POST /api/(assistants|threads)/[^/]+/documents", DOCUMENT),
    (r"GET /api/(assistants|threads)/[^/]+/documents", [DOCUMENT]),
    (r"GET /api/documents/[^/]+/status", DOCUMENT),
    (r"POST /api/threads/[^/]+/runs/run_1/submit-tool-outputs", {**ANSWER, "content": "It is sunny"}),
    (r"GET /api/assistants", [ASSISTANT]),
    (r"GET /api/threads/[^/]+", THREAD),
    (r"(POST|PUT|GET) /api/assistants(/[^/]+)?", ASSISTANT),
    (r"DELETE /api/.+", GONE),
]


def respond(request: Received) -> Answer:
    """Answer as a server that knows no assistant `invalid_id` and whose model wants to know the weather."""
    if "invalid_id" in request.path:
        return json_answer({"detail": "Assistant not found"}, 404)
    if request.path == "/api/threads/messages":
        return _answer_message(request.body)
    call = f"{request.method} {request.path}"
    for pattern, value in ANSWERS:
        if re.fullmatch(pattern, call):
            return json_answer(value)
    return json_answer({"detail": f"No sample calls {call}"}, 599)


def _answer_message(body: bytes) -> Answer:
    if b'"stream": true' in body:
        return stream_answer(sse("content_streaming", content="A short response"), sse("run_ended"))
    if b"weather" in body:
        return json_answer({**ANSWER, "status": "REQUIRES_ACTION", "tool_calls": [CALL]})
    return json_answer(SPOKEN if b"audio_file" in body else ANSWER)


@pytest.fixture
def names(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that samples take for granted, in a folder with the files that they name."""
    for name in ("path/to/file.pdf", "path/to/document.pdf", "user-question.mp3"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"content")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKBOARD_BASE_URL", server.url)
    server.respond = respond
    return {
        "BackboardClient": BackboardClient,
        "tool_definition": {"type": "function", "function": {"name": "f", "parameters": {}}},
        "thread": types.SimpleNamespace(thread_id=ID),
        "assistant_id": ID,
        "thread_id": ID,
        "document_id": ID,
        "memory_id": "m1",
    }


def sample(title: str) -> str:
    """Return the code under a heading."""
    found = re.search(rf"^## {title}\n\n```python\n(.*?)^```", SAMPLES, re.MULTILINE | re.DOTALL)
    assert found, f"There is no sample {title!r}"
    return found[1]


async def run(code: str, names: dict[str, Any]) -> None:
    """Run code that may await at its top."""
    program = compile(code, "published_samples.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting: object = eval(program, names)  # noqa: S307 - the samples are ours to keep
    if inspect.isawaitable(waiting):
        await waiting


async def run_with_client(title: str, names: dict[str, Any]) -> None:
    """Run a sample with a client, as the page makes it."""
    await run(sample("Client"), names)
    async with names["client"]:
        await run(sample(title), names)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the sample leaves its client open
def test_the_quick_start_says_both_answers(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    exec(sample("Quick start"), {**names, "__name__": "__main__"})  # noqa: S102 - the sample is a whole program

    gc.collect()
    assert capsys.readouterr().out == "Hello there\nA short response"


@pytest.mark.parametrize(
    ("title", "calls"),
    [
        ("Assistants", 5),
        ("Threads", 5),
        ("Messages", 2),
        ("Tool definitions", 1),
        ("Memory", 7),
        ("Documents", 6),
    ],
)
async def test_the_samples_of_a_noun_run(
    names: dict[str, Any], server: ScriptedServer, title: str, calls: int
) -> None:
    await run_with_client(title, names)

    assert len(server.requests) == calls


async def test_the_tool_sample_hands_in_what_its_function_returned(
    names: dict[str, Any], server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_with_client("Tool calls", names)

    (output,) = server.last_request.json["tool_outputs"]
    assert output["tool_call_id"] == "c1"
    assert "San Francisco" in output["output"]
    assert capsys.readouterr().out == "It is sunny\n"


async def test_the_error_sample_finds_out_what_happened(
    names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    await run(sample("Client"), names)

    await run(sample("Errors") + "\nawait demo_err()\n", names)

    assert capsys.readouterr().out == "Assistant not found\n"
    await names["client"].aclose()


async def test_the_voice_sample_reads_the_transcript(
    names: dict[str, Any], server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_with_client("Voice", names)

    assert [part.name for part in server.last_request.parts if part.filename] == ["audio_file"]
    assert capsys.readouterr().out == "Transcript: Where is my order?\nReply: Hello there\n"
