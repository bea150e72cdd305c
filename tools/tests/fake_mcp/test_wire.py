"""Answers of the fake MCP server, whole and broken."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from fake_mcp import Fault, Reply
from fake_mcp.wire import answered, response, result_of
from fake_vendor.steps import Cut, Hang, Pause, Step

MESSAGE: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {}}


def steps(reply: Reply, *, is_stream: bool = False) -> list[Step]:
    return list(answered(reply, MESSAGE, "sse" if is_stream else "json"))


def sent(reply: Reply, *, is_stream: bool = False) -> bytes:
    return b"".join(step for step in steps(reply, is_stream=is_stream) if isinstance(step, bytes))


def test_an_answer_is_json_or_a_stream_of_one_event() -> None:
    assert b'\r\n\r\n{"jsonrpc":"2.0","id":1,"result":{}}' in sent(Reply())
    assert b'event: message\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n' in sent(Reply(), is_stream=True)


def test_a_slow_answer_waits_first() -> None:
    assert steps(Reply(after_seconds=0.5))[0] == Pause(0.5)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "end"), [("hang", Hang()), ("hang_in_body", Hang()), ("cut", Cut("reset"))]
)
def test_an_answer_that_never_comes_ends_as_it_is_scripted(fault: Fault, end: Step, is_stream: bool) -> None:
    assert steps(Reply(fault=fault), is_stream=is_stream)[-1] == end


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_broken_answer_has_no_end_to_its_json(is_stream: bool) -> None:
    assert b'"result": {' in sent(Reply(fault="bad_json"), is_stream=is_stream)


def test_an_answer_may_come_compressed() -> None:
    head, _, body = sent(Reply(fault="gzip")).partition(b"\r\n\r\n")

    assert b"Content-Encoding: gzip" in head
    assert gzip.decompress(body) == b'{"jsonrpc":"2.0","id":1,"result":{}}'


def test_faults_of_http_are_statuses() -> None:
    assert sent(Reply(fault="status", status=503, text="no")).startswith(b"HTTP/1.1 503 ")
    assert b"Location: /elsewhere\r\n" in sent(Reply(fault="redirect", text="/elsewhere"))
    assert sent(Reply(fault="accepted")).startswith(b"HTTP/1.1 202 ")


def test_a_stream_may_chatter_or_end_before_its_answer() -> None:
    chatter = sent(Reply(fault="chatter"), is_stream=True)
    dropped = sent(Reply(fault="dropped"), is_stream=True)

    assert chatter.index(b"sampling/createMessage") < chatter.index(b'"result"')
    assert b"id: 1\n" in dropped
    assert b'"result"' not in dropped


def test_a_result_echoes_the_arguments_unless_it_is_scripted() -> None:
    block = {"type": "image"}

    assert result_of(Reply(), {"a": 1})["content"][0]["text"] == '{"a":1}'
    assert result_of(Reply(text="hi"), {})["content"][0]["text"] == "hi"
    assert result_of(Reply(content=[block], structured={"b": 2}, is_error=True), {}) == {
        "content": [block],
        "isError": True,
        "structuredContent": {"b": 2},
    }
    assert result_of(Reply(result={"odd": True}), {}) == {"odd": True}


def test_an_error_is_one_of_the_protocol() -> None:
    assert response(7, Reply(fault="error", text="boo"), {}) == {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {"code": -32000, "message": "boo"},
    }
