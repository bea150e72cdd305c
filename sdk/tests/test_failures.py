from __future__ import annotations

from typing import Any

import httpx
import pytest

from backboard import BackboardConnectionError, BackboardTimeoutError
from backboard._failures import answer_error, is_event_stream, request_error

URL = httpx.URL("http://127.0.0.1:8000/api/threads")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": "Thread not found"}, "Thread not found"),
        ({"detail": {"code": "c", "message": "Nested"}}, "Nested"),
        ({"detail": [{"loc": ["body", "files", 0], "msg": "Too large"}]}, "body.files.0: Too large"),
        ({"detail": [{"msg": "No place"}, "text"]}, "No place; text"),
        ({"error": {"message": "As OpenAI says it"}}, "As OpenAI says it"),
        ({"message": "", "error": "Second choice"}, "Second choice"),
        ({"unknown": 1}, 'HTTP 418 I\'m a teapot: {"unknown":1}'),
        ([], "HTTP 418 I'm a teapot: []"),
        (7, "HTTP 418 I'm a teapot: 7"),
    ],
)
def test_the_sentence_is_found_in_every_shape_of_error(body: Any, message: str) -> None:
    error = answer_error(httpx.Response(418, json=body))

    assert str(error).replace(" ", "") == message.replace(" ", "")
    assert error.body == body


def test_plain_text_is_the_sentence_itself() -> None:
    assert str(answer_error(httpx.Response(503, text="upstream connect error"))) == "upstream connect error"


def test_a_page_is_shortened_and_kept_in_full() -> None:
    page = "<html>" + "x" * 1000

    error = answer_error(httpx.Response(502, text=page))

    assert str(error).startswith("HTTP 502 Bad Gateway: <html>xxx")
    assert len(str(error)) < 300
    assert error.body == page


def test_an_empty_body_is_said_to_be_empty() -> None:
    assert str(answer_error(httpx.Response(500))) == "HTTP 500 Internal Server Error: (no body)"


def test_a_refused_connection_asks_the_right_questions() -> None:
    error = request_error(httpx.ConnectError("refused"), URL)

    assert type(error) is BackboardConnectionError
    assert "Is the server running" in str(error)


@pytest.mark.parametrize(
    "kind", [httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout]
)
def test_every_timeout_is_a_timeout_error_that_names_its_kind(kind: type[httpx.TimeoutException]) -> None:
    error = request_error(kind(""), URL)

    assert isinstance(error, BackboardTimeoutError)
    assert kind.__name__ in str(error)


def test_a_password_in_the_address_is_not_shown() -> None:
    error = request_error(httpx.ReadError("reset"), httpx.URL("http://me:secret@127.0.0.1:8000/api"))

    assert "secret" not in str(error)


def test_a_failure_without_words_is_named_by_its_kind() -> None:
    assert "ReadError" in str(request_error(httpx.ReadError(""), URL))


def test_only_a_success_is_a_stream_of_events() -> None:
    kind = {"Content-Type": "text/event-stream; charset=utf-8"}

    assert is_event_stream(httpx.Response(200, headers=kind))
    assert not is_event_stream(httpx.Response(500, headers=kind))
    assert not is_event_stream(httpx.Response(200, headers={"Content-Type": "application/json"}))
    assert not is_event_stream(httpx.Response(200))
