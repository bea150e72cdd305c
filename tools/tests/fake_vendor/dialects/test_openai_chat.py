from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fake_vendor import Answer, CalledTool, Tokens
from fake_vendor.connection import Request
from fake_vendor.description import ABSENT, is_available, problems
from fake_vendor.dialects.openai_chat import OpenAIChat
from fake_vendor.terms import Asked, Problem

OPENAI = OpenAIChat()
ASKED = Asked("gpt-4o", last_user_text="Where is Paris?")
STREAMED = Asked("gpt-4o", stream=True, body={"stream_options": {"include_usage": True}})
ANSWERS = [
    Answer(),
    Answer(text="In France.", reasoning="A city.", usage=Tokens(5, 6, 2, 1)),
    Answer(tool_calls=(CalledTool("look_up", '{"city": "Paris"}'), CalledTool("wait"))),
    Answer(text="", refusal="I would rather not."),
]
CALLING = {"role": "assistant", "tool_calls": [{"id": "call_1"}, {"id": "call_2"}]}
described = pytest.mark.skipif(not is_available(), reason=ABSENT)


def _request(path: str = "/v1/chat/completions", method: str = "POST", **body: Any) -> Request:
    return Request(method, path, {}, msgspec.json.encode(body))


def _output(call_id: str) -> dict[str, str]:
    return {"role": "tool", "tool_call_id": call_id, "content": "Sun."}


@described
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_plain_answer_is_what_openai_describes(answer: Answer) -> None:
    assert problems("CreateChatCompletionResponse", OPENAI.body(answer, ASKED)) == []


@described
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_streamed_answer_is_what_openai_describes(answer: Answer) -> None:
    *chunks, mark = OPENAI.frames(answer, STREAMED)

    for frame in chunks:
        assert problems("CreateChatCompletionStreamResponse", frame.payload) == []
    assert mark.kind == "mark"
    assert OPENAI.encode(mark) == b"data: [DONE]\n\n"


@described
def test_the_list_of_models_and_the_errors_are_what_openai_describes() -> None:
    problem = Problem(400, "context_length", "Too long.")

    assert problems("ListModelsResponse", OPENAI.models(("a", "b"), _request("/v1/models", "GET"))) == []
    assert problems("ErrorResponse", OPENAI.error_body(problem)) == []


def test_a_request_belongs_to_it_by_its_path() -> None:
    assert OPENAI.purpose(_request()) == "answer"
    assert OPENAI.purpose(_request("/openai/v1/chat/completions")) == "answer"
    assert OPENAI.purpose(_request("/v1/models?limit=1", "GET")) == "models"
    assert OPENAI.purpose(_request("/v1/messages")) is None


def test_the_last_user_message_is_read_from_a_text_or_from_parts() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "What is it?"}]
    messages = [{"role": "user", "content": "Look."}, {"role": "user", "content": parts}]

    asked = OPENAI.parse(_request(model="m", messages=messages, stream=True))

    assert asked.last_user_text == "What is it?"
    assert (asked.model, asked.stream, asked.words) == ("m", True, 4)


def test_usage_ends_a_stream_only_where_it_was_asked_for() -> None:
    assert [frame.kind for frame in OPENAI.frames(Answer(), STREAMED)][-2:] == ["usage", "mark"]
    assert not any("usage" in (frame.payload or ()) for frame in OPENAI.frames(Answer(), ASKED))


@pytest.mark.parametrize(
    "messages",
    [
        [CALLING, _output("call_1")],
        [CALLING, {"role": "user", "content": "Hello?"}, _output("call_1"), _output("call_2")],
        [_output("call_1")],
        [CALLING, _output("call_1"), _output("call_2"), _output("call_2")],
    ],
)
def test_a_history_whose_calls_and_outputs_do_not_match_is_refused(messages: list[dict[str, Any]]) -> None:
    assert OPENAI.refusal(OPENAI.parse(_request(model="gpt-4o", messages=messages))) is not None


def test_a_history_whose_calls_are_all_answered_is_taken() -> None:
    messages = [CALLING, _output("call_2"), _output("call_1"), {"role": "user", "content": "Thanks."}]

    assert OPENAI.refusal(OPENAI.parse(_request(model="gpt-4o", messages=messages))) is None


def test_a_wish_for_json_must_be_put_in_words_as_well() -> None:
    silent = [{"role": "user", "content": "An object, please."}]
    spoken = [{"role": "user", "content": "A JSON object, please."}]
    wish = {"type": "json_object"}

    assert OPENAI.refusal(OPENAI.parse(_request(model="m", messages=silent, response_format=wish)))
    assert not OPENAI.refusal(OPENAI.parse(_request(model="m", messages=spoken, response_format=wish)))


def test_mistral_thinks_in_parts_of_its_content_and_counts_unasked() -> None:
    asked = Asked("mistral-small-latest", stream=True)
    answer = Answer(text="In France.", reasoning="Hm.")

    frames = {frame.kind: frame.payload for frame in OPENAI.frames(answer, asked)}
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}

    assert frames["reasoning"]["choices"][0]["delta"] == {"content": [thought]}
    assert "usage" in frames["usage"]
    assert OPENAI.body(answer, asked)["choices"][0]["message"]["content"] == [
        thought,
        {"type": "text", "text": "In France."},
    ]
