from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fake_vendor import Answer, CalledTool, Tokens
from fake_vendor.connection import Request
from fake_vendor.dialects.gemini import Gemini
from fake_vendor.terms import Asked, Json, Problem, Refused

GEMINI = Gemini()
ASKED = Asked("gemini-3.5-flash", stream=True, last_user_text="Where is Paris?")
HELLO = {"role": "user", "parts": [{"text": "Where is Paris?"}]}
CALLS = (CalledTool("look_up", '{"city": "Paris"}'), CalledTool("wait"))


def _request(
    path: str = "/v1beta/models/m:generateContent", method: str = "POST", key: str = "k", **body: Any
) -> Request:
    headers = {"x-goog-api-key": key} if key else {}
    return Request(method, path, headers, msgspec.json.encode({"contents": [HELLO]} | body))


def _parts(response: Json) -> list[Json]:
    return response["candidates"][0]["content"]["parts"]


@pytest.mark.parametrize("version", ["v1", "v1alpha", "v1beta"])
def test_a_request_belongs_to_it_by_its_path(version: str) -> None:
    assert GEMINI.purpose(_request(f"/{version}/models/m:generateContent")) == "answer"
    assert GEMINI.purpose(_request(f"/{version}/models/m:streamGenerateContent?alt=sse")) == "answer"
    assert GEMINI.purpose(_request(f"/{version}/models?pageSize=1", "GET")) == "models"
    assert GEMINI.purpose(_request(f"/{version}/models", "GET", key="")) is None
    assert GEMINI.purpose(_request(f"/{version}/models/m:countTokens")) is None


def test_model_and_mode_are_read_from_the_path_and_words_from_all_turns() -> None:
    path = "/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse"

    asked = GEMINI.parse(_request(path, systemInstruction={"parts": [{"text": "Be brief."}]}))

    assert (asked.model, asked.stream, asked.words) == ("gemini-3.5-flash", True, 5)
    assert asked.last_user_text == "Where is Paris?"


def test_without_a_key_nothing_is_looked_at() -> None:
    with pytest.raises(Refused) as caught:
        GEMINI.parse(_request(key=""))

    assert caught.value.problem.status == 403


@pytest.mark.parametrize("body", [{"model": "m"}, {"contents": "Hi."}, {"stream": True}])
def test_a_field_that_there_is_not_or_of_another_type_is_an_error(body: Json) -> None:
    with pytest.raises(msgspec.ValidationError):
        GEMINI.parse(_request(**body))


def test_a_stream_is_one_of_events() -> None:
    with pytest.raises(ValueError, match="alt=sse"):
        GEMINI.parse(_request("/v1beta/models/m:streamGenerateContent"))


def test_a_plain_answer_has_all_its_parts_in_one_response() -> None:
    answer = Answer(text="In France.", reasoning="A city.", tool_calls=CALLS, usage=Tokens(5, 9, 2, 0, 3))

    response = GEMINI.body(answer, ASKED)

    assert _parts(response) == [
        {"text": "A city.", "thought": True},
        {"text": "In France."},
        {"functionCall": {"id": "call_0", "name": "look_up", "args": {"city": "Paris"}}},
        {"functionCall": {"id": "call_1", "name": "wait", "args": {}}},
    ]
    assert response["candidates"][0]["finishReason"] == "STOP"
    counts = response["usageMetadata"]
    assert (counts["promptTokenCount"], counts["candidatesTokenCount"], counts["thoughtsTokenCount"]) == (
        5,
        6,
        3,
    )
    assert (counts["cachedContentTokenCount"], counts["totalTokenCount"]) == (2, 14)


def test_a_streamed_answer_repeats_its_counts_and_ends_with_a_reason_and_no_mark() -> None:
    frames = GEMINI.frames(Answer(text="In France.", reasoning="A city.", tool_calls=CALLS), ASKED)

    assert [frame.kind for frame in frames] == [*["reasoning"] * 2, *["text"] * 2, *["tool"] * 2, "final"]
    assert [frame.call for frame in frames if frame.kind == "tool"] == [0, 1]
    assert all(frame.payload["usageMetadata"] for frame in frames)
    assert [frame for frame in frames if "finishReason" in frame.payload["candidates"][0]] == frames[-1:]


@pytest.mark.parametrize(
    ("word", "reason"), [("length", "MAX_TOKENS"), ("content_filter", "SAFETY"), ("OTHER", "OTHER")]
)
def test_reasons_are_googles_own_words(word: str, reason: str) -> None:
    answer = Answer(text="Sun.", finish_reason=word)

    assert GEMINI.body(answer, ASKED)["candidates"][0]["finishReason"] == reason
    assert GEMINI.frames(answer, ASKED)[-1].payload["candidates"][0]["finishReason"] == reason


@pytest.mark.parametrize(
    ("answer", "signed"),
    [
        (Answer(tool_calls=CALLS, signature="s"), [True, False]),
        (Answer(text="Sun.", reasoning="Hm.", signature="s"), [False, True]),
        (Answer(text="", signature="s"), [True]),
    ],
)
def test_the_first_call_or_else_the_end_of_the_text_is_signed(answer: Answer, signed: list[bool]) -> None:
    plain = _parts(GEMINI.body(answer, ASKED))
    streamed = [part for frame in GEMINI.frames(answer, ASKED) for part in _parts(frame.payload)]

    assert ["thoughtSignature" in part for part in plain] == signed
    assert sum("thoughtSignature" in part for part in streamed) == 1


def test_errors_are_statuses_of_google_with_details() -> None:
    error = GEMINI.error_body(Problem(400, "authentication", "API key not valid."))["error"]

    assert (error["code"], error["message"], error["status"]) == (
        400,
        "API key not valid.",
        "UNAUTHENTICATED",
    )
    assert error["details"][0]["reason"] == "API_KEY_INVALID"
    assert "PerDay" in str(GEMINI.error_body(Problem(429, "quota", "No.")))


def test_the_list_of_models_comes_in_pages() -> None:
    first = GEMINI.models(("a", "b", "c"), _request("/v1beta/models?pageSize=2", "GET"))
    rest = GEMINI.models(("a", "b", "c"), _request("/v1beta/models?pageSize=2&pageToken=2", "GET"))

    assert [model["name"] for model in first["models"] + rest["models"]] == [
        "models/a",
        "models/b",
        "models/c",
    ]
    assert (first.get("nextPageToken"), rest.get("nextPageToken")) == ("2", None)
