# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""The only code that does HTTP: sends, again where that is safe, and raises our error for each failure."""

from __future__ import annotations

import random
import time
from typing import Any, Generator

import httpx

from backboard._event_reader import NOWHERE, EventReader, Place
from backboard._failures import (
    answer_error,
    is_event_stream,
    not_a_stream_error,
    not_json_error,
    request_error,
)
from backboard._options import Options, Timeout
from backboard._patience import http_timeout, pause_seconds
from backboard._requests import Request, http_body, keyed
from backboard._resuming import Resumption
from backboard._uploads import OpenedUpload, opened
from backboard._version import __version__
from backboard.exceptions import BackboardAPIError

from .stream import MessageStream

USER_AGENT = f"backboard-python-sdk/{__version__} (sync)"


class Transport:
    """A server's address, the key to it, and the connections that are open to it."""

    def __init__(self, options: Options, http_client: httpx.Client | None) -> None:
        self._options = options
        self._headers = {"User-Agent": USER_AGENT, **options.headers}
        self._is_owner = http_client is None
        self._http = http_client or httpx.Client()

    def fetch(self, request: Request, timeout: Timeout) -> Any:
        """Return the answer's JSON."""
        response = self._send(keyed(request), timeout, is_stream=False)
        try:
            return response.json()
        except ValueError as failure:
            raise not_json_error(response) from failure

    def stream(self, request: Request, timeout: Timeout, place: Place = NOWHERE) -> MessageStream:
        """Return the answer's events, those after `place`; whoever receives the stream closes it."""
        request = keyed(request)
        response = self._send(request, timeout, is_stream=True)
        reader = EventReader(place)
        return MessageStream(self, _connection(response), timeout, reader, Resumption(request, reader))

    def connect(self, request: Request, timeout: Timeout) -> Connection:
        """Return the bytes of a stream at one attempt: a stream that goes on has a patience of its own."""
        with opened(request.uploads) as uploads:
            response = self._exchange(self._outgoing(request, uploads, timeout), is_stream=True)
        return _connection(response)

    def close(self) -> None:
        """Close the connections, unless they are those of a client that was handed in."""
        if self._is_owner:
            self._http.close()

    def _send(self, request: Request, timeout: Timeout, *, is_stream: bool) -> httpx.Response:
        """Return a success: read, or an unread stream."""
        with opened(request.uploads) as uploads:
            outgoing = self._outgoing(request, uploads, timeout)
            attempts_made = 0
            while True:
                try:
                    return self._exchange(outgoing, is_stream)
                except BackboardAPIError as error:
                    attempts_made += 1
                    chance = random.random()  # noqa: S311 - it spreads pauses and protects nothing
                    pause = pause_seconds(request.method, error, attempts_made, chance)
                    if pause is None or attempts_made > self._options.max_retries:
                        raise
                time.sleep(pause)

    def _outgoing(self, request: Request, uploads: list[OpenedUpload], timeout: Timeout) -> httpx.Request:
        headers, body = http_body(request, uploads)
        return self._http.build_request(
            request.method,
            self._options.base_url + request.path,
            params=request.query,
            headers={**self._headers, **headers, **request.headers},
            timeout=http_timeout(timeout, self._options.timeout),
            **body,
        )

    def _exchange(self, outgoing: httpx.Request, is_stream: bool) -> httpx.Response:
        try:
            response = self._http.send(outgoing, stream=True, follow_redirects=False)
            if not (is_stream and is_event_stream(response)):
                _read(response)
        except httpx.RequestError as failure:
            raise request_error(failure, outgoing.url) from failure
        if not response.is_success:
            raise answer_error(response)
        return response


class Connection:
    """A stream's bytes as they come; closing it twice is closing it once."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.chunks = _chunks(response)

    def close(self) -> None:
        """Give the connection back, whatever has been read so far."""
        self.chunks.close()
        self._response.close()


def _connection(response: httpx.Response) -> Connection:
    if not is_event_stream(response):
        raise not_a_stream_error(response)
    return Connection(response)


def _read(response: httpx.Response) -> None:
    try:
        response.read()
    finally:
        response.close()


def _chunks(response: httpx.Response) -> Generator[bytes, None, None]:
    try:
        for chunk in response.iter_bytes():
            yield chunk
    except httpx.RequestError as failure:
        raise request_error(failure, response.url) from failure
