from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.domain.prompts import Usage
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.gemini.chunks import decode, decode_all, usage_of


def _problem(code: int | None, status: str, message: str = "No.", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message} | more}


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (
            # as recorded in vercel/ai, issue-19822-complete-usage.json
            {
                "promptTokenCount": 19,
                "cachedContentTokenCount": 3,
                "candidatesTokenCount": 4,
                "toolUsePromptTokenCount": 63,
                "thoughtsTokenCount": 56,
                "totalTokenCount": 142,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 19}],
            },
            Usage(input_tokens=82, output_tokens=60, cached_input_tokens=3, reasoning_tokens=56),
        ),
        ({"promptTokenCount": 9, "totalTokenCount": 9}, Usage(input_tokens=9)),
        ({"promptTokenCount": -5}, None),
        ({"candidatesTokenCount": 10**15}, None),
        ({"promptTokenCount": "many"}, None),
        ("none", None),
        (None, None),
    ],
)
def test_thoughts_are_part_of_the_output_and_nonsense_is_no_usage(
    reported: object, usage: Usage | None
) -> None:
    assert usage_of(msgspec.json.encode(reported)) == usage


def test_no_report_is_no_usage() -> None:
    assert usage_of(None) is None
    assert usage_of(b"") is None


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (_problem(503, "UNAVAILABLE", "The model is overloaded."), "failed"),
        (_problem(429, "RESOURCE_EXHAUSTED"), "rate_limited"),
        (_problem(400, "INVALID_ARGUMENT"), "rejected_request"),
        (_problem(400, "INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}]), "rejected_key"),
        (
            _problem(
                400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens"
            ),
            "context_length",
        ),
        (_problem(None, "INTERNAL"), "failed"),
        ([_problem(503, "UNAVAILABLE")], "failed"),
        ({"error": "no"}, "failed"),
    ],
)
def test_an_error_in_a_stream_has_its_kind(problem: object, kind: UpstreamKind) -> None:
    with pytest.raises(Failure) as caught:
        decode(msgspec.json.encode(problem))

    assert (caught.value.kind, caught.value.status) == (kind, None)


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"3", b'{"candidates": {}}', b"\xff", b"[" * 100_000, b'{"x":' * 100_000, b"[{},{}]"],
)
def test_what_is_no_chunk_is_malformed(payload: bytes) -> None:
    with pytest.raises(Failure) as caught:
        decode(payload)

    assert caught.value.kind == "malformed"


def test_unknown_parts_and_fields_are_skipped() -> None:
    parts = [{"executableCode": {"code": "1"}}, {"inlineData": {"data": "eA=="}}, {"text": "Sun."}]
    whole = {"candidates": [{"content": {"parts": parts, "role": "model"}, "citationMetadata": {}}], "x": 1}

    candidates = decode(msgspec.json.encode(whole)).candidates

    assert candidates is not None
    assert candidates[0].content is not None
    assert [part.text for part in candidates[0].content.parts or ()] == [None, None, "Sun."]


def test_half_a_character_is_repaired() -> None:
    chunk = decode(rb'{"candidates":[{"content":{"parts":[{"text":"a\ud83d"}]}}]}')

    assert chunk.candidates is not None
    assert chunk.candidates[0].content is not None
    assert chunk.candidates[0].content.parts is not None
    assert chunk.candidates[0].content.parts[0].text == "a?"


def test_a_plain_answer_may_be_a_list_of_chunks() -> None:
    chunks = decode_all(b' [{"modelVersion":"a"},\n{"modelVersion":"b"}]')

    assert [chunk.model_version for chunk in chunks] == ["a", "b"]
    with pytest.raises(Failure, match="truncated"):
        decode_all(b'[{"modelVersion":"a"},')
    with pytest.raises(Failure, match="recursion"):
        decode_all(b'[{"x":' + b"[" * 100_000)
