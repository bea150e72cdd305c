"""The demonstration: a conversation with a real server that is restarted in the middle and loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from backboard import SyncBackboardClient
from backboard_server.domain.errors import Unavailable
from backboard_server.domain.keys import new_secret

_READY = "Backboard is ready on "
_STOP_SECONDS_MAX = 60.0
_BEFORE_RESTART = (
    "My name is Ada and I am building a weather station in Oslo.",
    "The sensors may cost 300 euros, and the first prototype is due on 12 March.",
)
_AFTER_RESTART = "What is my name, and when is the first prototype due?"
_NEXT_STEPS = """\
Next steps
  make serve                        start your own server (state in your data folder), then open /docs on it
  export OPENAI_API_KEY=…           real answers; any other provider's key works as well
  pip install ./sdk                 the client that this demonstration used:

      from backboard import SyncBackboardClient
      client = SyncBackboardClient(api_key="…")
      print(client.send_message("Hello!").content)
"""


def demo() -> None:
    """Hold the conversation and print what happened. Leaves nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="backboard-demo-"))
    secret = new_secret()
    try:
        _say("A server on an empty folder, with a Postgres of its own:")
        with _server(folder, secret) as client:
            assistant = client.create_assistant(
                name="Demo", system_prompt="You are a helpful assistant. Answer in one or two sentences."
            )
            thread = client.create_thread(assistant.assistant_id)
            for content in _BEFORE_RESTART:
                _turn(client, str(thread.thread_id), content)
        _say("The server is stopped, Postgres and all, and started again on the same folder:")
        with _server(folder, secret) as client:
            _turn(client, str(thread.thread_id), _AFTER_RESTART)
            messages = client.get_thread(thread.thread_id).messages
            _say(f"The thread holds all {len(messages)} messages: nothing was lost.\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _say(_NEXT_STEPS)


@contextmanager
def _server(folder: Path, secret: str) -> Generator[SyncBackboardClient]:
    """Run `backboard serve` as its own process, and say how long it took to be ready."""
    started = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "backboard_server.cli",
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(folder),
    ]
    environment = os.environ | {"BACKBOARD_API_KEY": secret}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            address = _address(process)
            if address is None:
                log.seek(0)
                raise Unavailable(f"The server did not start:\n{log.read()}")
            _say(f"  ready after {time.perf_counter() - started:.1f} s on {address}\n")
            with SyncBackboardClient(api_key=secret, base_url=f"{address}/api") as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=_STOP_SECONDS_MAX)


def _address(process: subprocess.Popen[str]) -> str | None:
    """Return where the server listens once it says so, or None if it ended without."""
    assert process.stdout is not None  # noqa: S101 - asked for when it was started
    for line in process.stdout:
        if line.startswith(_READY):
            return line.removeprefix(_READY).split()[0]
    return None


def _turn(client: SyncBackboardClient, thread_id: str, content: str) -> None:
    """Send one message, print the answer as it streams, and how long it took."""
    _say(f"you        {content}")
    sys.stdout.write("assistant  ")
    started = time.perf_counter()
    first_word_after = None
    ended = None
    for event in client.add_message(thread_id=thread_id, content=content, stream=True):
        if event.get("type") == "content_streaming":
            first_word_after = first_word_after or time.perf_counter() - started
            sys.stdout.write(str(event.get("content", "")))
            sys.stdout.flush()
        elif event.get("type") == "run_ended":
            ended = event
    whole = time.perf_counter() - started
    assert ended is not None  # noqa: S101 - a stream without an end raises
    _say(
        f"\n           {ended['model_provider']}/{ended['model_name']}, first word after "
        f"{(first_word_after or whole) * 1000:.0f} ms, whole answer after {whole * 1000:.0f} ms, "
        f"{ended['context_usage']['used_tokens']} tokens in the window\n"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
