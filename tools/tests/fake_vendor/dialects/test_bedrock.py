from __future__ import annotations

import struct
from typing import Any
from zlib import crc32

import msgspec
import pytest

from fake_vendor import Answer, CalledTool, Fault, Tokens
from fake_vendor.connection import Request
from fake_vendor.dialects.bedrock import Bedrock
from fake_vendor.terms import Asked, Frame, Problem, Refused

BEDROCK = Bedrock()
ASKED = Asked("m", last_user_text="Where is Paris?")
PATH = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
KEY = {"authorization": "Bearer k"}


def _request(path: str = PATH, method: str = "POST", headers: dict[str, str] = KEY, **body: Any) -> Request:
    return Request(method, path, headers, msgspec.json.encode(body))


def _headers(content: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers and the payload of a message, taken apart by hand."""
    length, headers_length, crc = struct.unpack(">III", content[:12])
    assert (length, crc) == (len(content), crc32(content[:8]))
    assert struct.unpack(">I", content[-4:])[0] == crc32(content[:-4])
    headers: dict[str, str] = {}
    at, end = 12, 12 + headers_length
    while at < end:
        name_end = at + 1 + content[at]
        value_start = name_end + 3
        value_end = value_start + int.from_bytes(content[name_end + 1 : value_start], "big")
        assert content[name_end] == 7
        headers[content[at + 1 : name_end].decode()] = content[value_start:value_end].decode()
        at = value_end
    return headers, content[end:-4]


def test_a_request_belongs_to_it_by_its_path() -> None:
    assert BEDROCK.purpose(_request()) == "answer"
    assert BEDROCK.purpose(_request(f"{PATH}-stream")) == "answer"
    assert BEDROCK.purpose(_request(method="GET")) is None
    assert BEDROCK.purpose(_request("/model/a/b/converse")) is None
    assert BEDROCK.purpose(_request("/model/a/invoke")) is None


def test_the_model_and_the_mode_are_in_the_path() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"text": "Where is it?"}]},
        {"role": "assistant", "content": [{"text": "Here."}]},
        {"role": "user", "content": [{"toolResult": {}}]},
    ]

    asked = BEDROCK.parse(_request(f"{PATH}-stream", messages=messages, system=[{"text": "Be brief."}]))

    assert (asked.model, asked.stream) == ("us.anthropic.claude-haiku-4-5-20251001-v1:0", True)
    assert (asked.last_user_text, asked.words) == ("Where is it?", 6)


def test_nothing_is_looked_at_without_a_proof() -> None:
    with pytest.raises(Refused) as caught:
        BEDROCK.parse(_request(headers={}, messages="nonsense"))

    assert (caught.value.problem.status, caught.value.problem.kind) == (403, "authentication")


def test_a_plain_answer_has_blocks_in_their_order() -> None:
    answer = Answer(
        text="In France.",
        reasoning="A city.",
        signature="seal",
        tool_calls=(CalledTool("look_up", '{"city": "Paris"}'),),
        usage=Tokens(prompt=10, completion=6, cached=5, cache_write=2),
    )

    body = BEDROCK.body(answer, ASKED)

    thought, text, call = body["output"]["message"]["content"]
    assert thought["reasoningContent"]["reasoningText"]["signature"].startswith("seal.")
    assert text == {"text": "In France."}
    assert call == {"toolUse": {"toolUseId": "call_0", "name": "look_up", "input": {"city": "Paris"}}}
    assert body["stopReason"] == "tool_use"
    assert body["usage"] == {
        "inputTokens": 3,
        "outputTokens": 6,
        "totalTokens": 16,
        "cacheReadInputTokens": 5,
        "cacheWriteInputTokens": 2,
    }


def test_a_streamed_answer_adds_up_to_the_plain_one() -> None:
    answer = Answer(
        text="In France.", reasoning="A city.", signature="s", tool_calls=(CalledTool("look_up", '{"a": 1}'),)
    )
    frames = BEDROCK.frames(answer, ASKED)

    deltas = [frame.payload["delta"] for frame in frames if frame.name == "contentBlockDelta"]
    blocks = [frame.payload["contentBlockIndex"] for frame in frames if frame.name == "contentBlockDelta"]
    content = BEDROCK.body(answer, ASKED)["output"]["message"]["content"]
    assert "".join(delta.get("text", "") for delta in deltas) == "In France."
    assert "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta) == '{"a": 1}'
    seal = content[0]["reasoningContent"]["reasoningText"]["signature"]
    assert {"reasoningContent": {"signature": seal}} in deltas
    assert (blocks, sorted(set(blocks))) == (sorted(blocks), [0, 1, 2])
    assert [frame.name for frame in frames][-2:] == ["messageStop", "metadata"]
    assert [frame.name for frame in frames].count("contentBlockStop") == 3


def test_a_seal_without_reasoning_is_encrypted_reasoning() -> None:
    content = BEDROCK.body(Answer(text="Hi.", signature="seal"), ASKED)["output"]["message"]["content"]
    frames = BEDROCK.frames(Answer(text="Hi.", signature="seal"), ASKED)

    assert frames[1].payload["delta"] == content[0]
    assert "redactedContent" in content[0]["reasoningContent"]


def test_an_event_is_framed_as_amazon_frames_it() -> None:
    headers, payload = _headers(BEDROCK.encode(Frame("text", {"a": "é"}, "contentBlockDelta")))

    assert headers == {
        ":message-type": "event",
        ":event-type": "contentBlockDelta",
        ":content-type": "application/json",
    }
    assert payload == '{"a":"é"}'.encode()


def test_an_error_is_an_exception_by_its_header_and_in_a_stream_by_its_frame() -> None:
    problem = Problem(429, "rate_limit", "Slow.")
    (frame,) = BEDROCK.error_frames(problem, ASKED, is_first=True)
    headers, payload = _headers(BEDROCK.encode(frame))

    assert BEDROCK.error_body(problem)["message"] == "Slow."
    assert BEDROCK.error_lines(problem)[0].startswith("x-amzn-ErrorType: ThrottlingException:")
    assert (headers[":message-type"], headers[":exception-type"]) == ("exception", "throttlingException")
    assert msgspec.json.decode(payload) == {"message": "Slow."}


def test_a_message_without_end_begins_with_a_length_that_its_checksum_fits() -> None:
    length, _, crc = struct.unpack(">III", BEDROCK.frame_beginning)

    assert length > 50_000_000
    assert crc == crc32(BEDROCK.frame_beginning[:8])


@pytest.mark.parametrize("fault", [Fault.EMPTY_CHOICES, Fault.NULL_CONTENT, Fault.USAGE_MISSING])
def test_oddities_are_told_in_both_modes(fault: Fault) -> None:
    answer = Answer(text="Hi there.")
    body, frames = BEDROCK.body(answer, ASKED), BEDROCK.frames(answer, ASKED)

    assert BEDROCK.odd_body(fault, body) not in (None, body)
    assert BEDROCK.odd_frames(fault, frames, ASKED) not in (None, frames)


def test_other_faults_are_not_its_own() -> None:
    assert BEDROCK.odd_body(Fault.HTML, {}) is None
    assert BEDROCK.odd_frames(Fault.HTML, [], ASKED) is None
