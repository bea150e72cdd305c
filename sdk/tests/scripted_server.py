"""A real HTTP server on loopback that answers from a script: the fake is at the wire, not in the client."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import Self


@dataclass(frozen=True)
class Answer:
    """What to send: the pieces of the body, one write each, and how the connection behaves around them."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {})
    pieces: tuple[bytes, ...] = ()
    is_dropped: bool = False  # the connection closes instead of an answer
    is_cut_off: bool = False  # the connection closes after the pieces, before the body is complete
    is_silent: bool = False  # nothing follows the pieces, and the connection stays open


@dataclass(frozen=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str | None
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON, or None where there is none."""
        return json.loads(self.body) if self.body else None

    @property
    def parts(self) -> list[Part]:
        """The parts of a multipart body, in order."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=policy.HTTP).parsebytes(head + self.body)
        return [
            Part(
                str(part.get_param("name", header="content-disposition")),
                part.get_filename(),
                part.get_content_type(),
                bytes(part.get_payload(decode=True)),
            )
            for part in message.iter_parts()
        ]


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON; underscores in the names of headers stand for hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, {"Content-Type": "application/json", **named}, (json.dumps(value).encode(),))


def stream_answer(*pieces: bytes, is_cut_off: bool = False, is_silent: bool = False) -> Answer:
    """A stream of the given bytes; a piece without any would end it."""
    return Answer(
        200,
        {"Content-Type": "text/event-stream"},
        tuple(piece for piece in pieces if piece),
        is_cut_off=is_cut_off,
        is_silent=is_silent,
    )


def sse(event_type: str, event_id: str | None = None, **fields: Any) -> bytes:
    """One event as bytes of a stream."""
    number = f"id: {event_id}\n" if event_id is not None else ""
    return f"{number}data: {json.dumps({'type': event_type, **fields})}\n\n".encode()


class ScriptedServer:
    """Answers requests in the order of its script, or as `respond` says, and keeps what it received."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.respond: Callable[[Received], Answer] = self._next_answer
        self.stopping = threading.Event()
        self._script: deque[Answer] = deque()
        self._listener = _Listener(self)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        return f"http://127.0.0.1:{self._listener.server_port}/api"

    @property
    def last_request(self) -> Received:
        """What arrived last."""
        return self.requests[-1]

    def script(self, *answers: Answer) -> None:
        """Add answers to those that are still to be given."""
        self._script.extend(answers)

    def _next_answer(self, request: Received) -> Answer:
        if not self._script:
            return json_answer({"detail": f"The script has no answer to {request.path}"}, 599)
        return self._script.popleft()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # some tests open a hundred connections at once

    def __init__(self, scripted: ScriptedServer) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.scripted = scripted


class _Conversation(BaseHTTPRequestHandler):
    """One connection of a client, for as many requests as it sends over it."""

    server: _Listener  # pyright: ignore[reportIncompatibleVariableOverride] - it is the only one that makes these
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # the client has gone away, which some tests are about
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at `requests`."""

    def _answer(self) -> None:
        request = self._received()
        self.server.scripted.requests.append(request)
        self._send(self.server.scripted.respond(request))

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server looks them up so

    def _received(self) -> Received:
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Received(self.command, target.path, dict(parse_qsl(target.query)), headers, body)

    def _send(self, answer: Answer) -> None:
        if answer.is_dropped:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in answer.pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if answer.is_silent:
            self.server.scripted.stopping.wait()
        if answer.is_cut_off or answer.is_silent:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")
