from __future__ import annotations

import msgspec

from backboard_server.domain.prompts import Finish, ModelChoice, Prompt, PromptMessage, TextDelta
from backboard_server.providers.wires.openai_chat import OpenAIChat

PROMPT = Prompt(choice=ModelChoice("openai", "gpt-4o"), messages=(PromptMessage("user", "Hi."),))


def test_a_key_goes_into_the_authorization_header_and_no_key_into_none() -> None:
    assert OpenAIChat().headers("sk-1")["Authorization"] == "Bearer sk-1"
    assert "Authorization" not in OpenAIChat().headers("")


def test_a_request_goes_to_the_chat_completions_path() -> None:
    path, body = OpenAIChat().request(PROMPT, "openai", streamed=False)

    assert path == "/chat/completions"
    assert msgspec.json.decode(body)["model"] == "gpt-4o"


def test_both_ways_of_reading_give_the_same_deltas() -> None:
    whole = b'{"choices":[{"message":{"content":"Hi."},"finish_reason":"stop"}]}'
    reader = OpenAIChat().reader()

    streamed = [*reader.take(whole.replace(b"message", b"delta")), *reader.finish()]

    assert streamed == list(OpenAIChat().read_whole(whole)) == [TextDelta("Hi."), Finish("stop")]
