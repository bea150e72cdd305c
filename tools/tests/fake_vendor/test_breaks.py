from __future__ import annotations

import zlib

import pytest

from fake_vendor import Fault, Instead
from fake_vendor.breaks import break_of
from fake_vendor.dialects.openai_chat import OpenAIChat
from fake_vendor.script import AnyFault
from fake_vendor.steps import Cut, Hang, Step
from fake_vendor.terms import Asked


def _steps(fault: AnyFault, *, stream: bool = True) -> list[Step]:
    score = break_of(fault)
    assert score is not None
    return list(score(OpenAIChat(), Asked("m", stream=stream)))


def test_silence_sends_nothing_and_stays() -> None:
    assert _steps(Fault.SILENCE) == [Hang()]


def test_a_close_without_an_answer_sends_nothing_and_goes() -> None:
    assert _steps(Fault.CLOSED_WITHOUT_ANSWER) == [Cut()]


@pytest.mark.parametrize("stream", [True, False])
def test_a_hang_after_the_headers_has_sent_them(stream: bool) -> None:
    head, hang = _steps(Fault.HANG_AFTER_HEADERS, stream=stream)

    assert isinstance(head, bytes)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert hang == Hang()


def test_a_gzip_bomb_is_small_and_opens_to_more_than_64_mb() -> None:
    (response,) = _steps(Fault.GZIP_BOMB)
    assert isinstance(response, bytes)

    body = response.partition(b"\r\n\r\n")[2]

    assert len(body) < 1_000_000
    assert len(zlib.decompress(body, wbits=31)) > 64 * 1024 * 1024


def test_a_long_line_is_as_long_as_it_says() -> None:
    sizes = [len(step) for step in _steps(Fault.LONG_LINE) if isinstance(step, bytes)]

    assert sum(sizes[1:]) > 100 * 1024 * 1024


@pytest.mark.parametrize(
    ("stream", "content_type"), [(True, b"text/event-stream"), (False, b"application/json")]
)
def test_something_else_may_stand_in_the_place_of_an_answer(stream: bool, content_type: bytes) -> None:
    response = b"".join(
        step for step in _steps(Instead(body=b"null ", repeated=3), stream=stream) if isinstance(step, bytes)
    )

    assert response.endswith(b"\r\n\r\nnull null null ")
    assert b"Content-Length: 15\r\n" in response
    assert b"Content-Type: " + content_type in response


def test_a_healthy_answer_is_not_broken() -> None:
    assert break_of(None) is None
