from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fake_vendor import Answer, CalledTool, Fault, Tokens
from fake_vendor.connection import Request
from fake_vendor.description import ABSENT, is_available, problems
from fake_vendor.dialects.openai_responses import OpenAIResponses
from fake_vendor.terms import Asked, Problem, Refused

OPENAI = OpenAIResponses()
ASKED = Asked("gpt-5", last_user_text="Where is Paris?", body={"include": ["reasoning.encrypted_content"]})
ANSWERS = [
    Answer(),
    Answer(text="In France.", reasoning="A city.", signature="seal", usage=Tokens(5, 6, 2, 1)),
    Answer(tool_calls=(CalledTool("look_up", '{"city": "Paris"}'), CalledTool("wait"))),
    Answer(text="", refusal="I would rather not."),
    Answer(text="In", finish_reason="length"),
]
described = pytest.mark.skipif(not is_available(), reason=ABSENT)


def _request(path: str = "/v1/responses", method: str = "POST", **body: Any) -> Request:
    return Request(method, path, {"authorization": "Bearer k"}, msgspec.json.encode(body))


@described
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_plain_answer_is_what_openai_describes(answer: Answer) -> None:
    body = OPENAI.body(answer, ASKED)

    assert problems("Response", body) == []


@described
@pytest.mark.parametrize("answer", ANSWERS)
def test_every_event_is_what_openai_describes(answer: Answer) -> None:
    problem = Problem(500, "server", "Stopped.")
    frames = OPENAI.frames(answer, ASKED)
    frames += OPENAI.error_frames(problem, ASKED, is_first=True)
    frames += OPENAI.error_frames(problem, ASKED, is_first=False)

    for frame in frames:
        assert problems(_schema_of(frame.name), frame.payload) == []


def _schema_of(name: str) -> str:
    """Return the name of an event's schema: that of the union would only say that none of its parts fits."""
    if name == "error":
        return "ResponseErrorEvent"
    words = name.removeprefix("response.").replace(".", "_").removeprefix("output_text_").split("_")
    prefix = "ResponseText" if name.startswith("response.output_text") else "Response"
    return prefix + "".join(word.capitalize() for word in words) + "Event"


@described
def test_the_errors_are_what_openai_describes() -> None:
    assert problems("ErrorResponse", OPENAI.error_body(Problem(400, "context_length", "Too long."))) == []


@pytest.mark.parametrize("path", ["/v1/responses", "/openai/v1/responses?x=1"])
def test_a_request_belongs_to_it_by_its_path(path: str) -> None:
    assert OPENAI.purpose(_request(path)) == "answer"
    assert OPENAI.purpose(_request(path, "GET")) is None
    assert OPENAI.purpose(_request("/v1/chat/completions")) is None


def test_the_last_user_message_is_read_from_a_text_or_from_parts() -> None:
    parts = [
        {"type": "input_image", "image_url": "data:"},
        {"type": "input_text", "text": "What is it?"},
    ]
    items = [{"role": "user", "content": "Look."}, {"role": "user", "content": parts}]

    asked = OPENAI.parse(_request(model="m", input=items, instructions="Be brief.", stream=True))

    assert (asked.last_user_text, asked.model, asked.stream, asked.words) == ("What is it?", "m", True, 6)
    assert OPENAI.parse(_request(model="m", input="Hello.")).last_user_text == "Hello."


@pytest.mark.parametrize("headers", [{"authorization": "Bearer k"}, {"api-key": "k"}])
def test_a_key_is_shown_as_openai_or_as_azure_wants_it(headers: dict[str, str]) -> None:
    content = msgspec.json.encode({"model": "m", "input": "Hello."})

    assert OPENAI.parse(Request("POST", "/v1/responses", headers, content)).model == "m"
    with pytest.raises(Refused):
        _ = OPENAI.parse(Request("POST", "/v1/responses", {}, content))


def test_reasoning_is_sealed_only_where_that_was_asked_for() -> None:
    answer = Answer(text="Yes.", reasoning="Hm.", signature="seal")

    assert OPENAI.body(answer, ASKED)["output"][0]["encrypted_content"].startswith("seal.")
    assert "encrypted_content" not in OPENAI.body(answer, Asked("m"))["output"][0]


def test_ids_tell_with_which_reasoning_an_item_came() -> None:
    answer = Answer(text="Let me see.", signature="seal", tool_calls=(CalledTool("wait"),))

    reasoning, message, call = OPENAI.body(answer, ASKED)["output"]

    assert message["id"] == f"msg_0_{reasoning['id']}"
    assert call["id"] == f"fc_0_{reasoning['id']}"
    assert call["call_id"] == "call_0"


def test_a_stream_ends_with_the_event_that_has_the_counts() -> None:
    frames = OPENAI.frames(Answer(text="Yes.", usage=Tokens(3, 1)), ASKED)

    assert [frame.payload["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert frames[-1].kind == "final"
    assert frames[-1].payload["response"]["usage"]["total_tokens"] == 4


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("length", "incomplete", "max_output_tokens"),
        ("stop", "completed", None),
        ("odd", "incomplete", "odd"),
    ],
)
def test_a_reason_becomes_a_status(reason: str, status: str, why: str | None) -> None:
    body = OPENAI.body(Answer(finish_reason=reason), ASKED)

    assert body["status"] == status
    assert body["incomplete_details"] == (why and {"reason": why})
    assert OPENAI.ended(reason, ASKED).name == f"response.{status}"


@pytest.mark.parametrize("fault", [Fault.EMPTY_CHOICES, Fault.NULL_CONTENT, Fault.USAGE_MISSING])
def test_oddities_are_the_same_in_both_modes(fault: Fault) -> None:
    answer = Answer(text="Yes.", reasoning="Hm.")
    frames = OPENAI.odd_frames(fault, OPENAI.frames(answer, ASKED), ASKED)

    assert frames is not None
    assert frames[-1].payload["response"] == OPENAI.odd_body(fault, OPENAI.body(answer, ASKED))


def test_other_faults_are_no_oddities() -> None:
    assert OPENAI.odd_body(Fault.COMMENTS, OPENAI.body(Answer(), ASKED)) is None
    assert OPENAI.odd_frames(Fault.COMMENTS, OPENAI.frames(Answer(), ASKED), ASKED) is None
