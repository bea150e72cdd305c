from __future__ import annotations

import pytest

from fake_vendor import Answer, CalledTool, Tokens
from fake_vendor.description import ABSENT, is_available, problems
from fake_vendor.render import Asked, StreamOptions, chunks, completion, error, models, text_of

ASKED = Asked("gpt-4o", [{"role": "user", "content": "Where is Paris?"}])
STREAMED = Asked("gpt-4o", ASKED.messages, stream=True, stream_options=StreamOptions(include_usage=True))
ANSWERS = [
    Answer(),
    Answer(text="In France.", reasoning="A city.", usage=Tokens(5, 6, 2, 1)),
    Answer(tool_calls=(CalledTool("look_up", '{"city": "Paris"}'), CalledTool("wait"))),
    Answer(text="", refusal="I would rather not."),
]
described = pytest.mark.skipif(not is_available(), reason=ABSENT)


@described
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_plain_answer_is_what_openai_describes(answer: Answer) -> None:
    assert problems("CreateChatCompletionResponse", completion(answer, ASKED)) == []


@described
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_streamed_answer_is_what_openai_describes(answer: Answer) -> None:
    for chunk in chunks(answer, STREAMED):
        assert problems("CreateChatCompletionStreamResponse", chunk) == []


@described
def test_the_list_of_models_and_the_errors_are_what_openai_describes() -> None:
    assert problems("ListModelsResponse", models(("a", "b"))) == []
    assert problems("ErrorResponse", error("No.", "invalid_request_error", "no")) == []


def test_without_a_text_the_answer_echoes_the_last_user_message() -> None:
    asked = Asked("m", [{"role": "user", "content": "first"}, {"role": "user", "content": "second"}])

    assert text_of(Answer(), asked) == "You said: second"


@pytest.mark.parametrize("count", [1, 3, 7, 50])
def test_a_text_is_streamed_in_as_many_pieces_as_asked_and_joins_to_the_plain_one(count: int) -> None:
    answer = Answer(text="A sentence of words.", chunks=count)

    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(answer, ASKED)]
    pieces = [delta["content"] for delta in deltas if delta.get("content")]

    assert len(pieces) == count
    assert "".join(pieces) == completion(answer, ASKED)["choices"][0]["message"]["content"]


def test_usage_ends_a_stream_only_where_it_was_asked_for() -> None:
    assert "usage" in chunks(Answer(), STREAMED)[-1]
    assert not any("usage" in chunk for chunk in chunks(Answer(), ASKED))
