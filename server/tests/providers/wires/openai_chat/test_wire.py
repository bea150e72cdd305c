from __future__ import annotations

import msgspec
import pytest

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Finish, ModelChoice, Prompt, PromptMessage, TextDelta
from backboard_server.providers._hosts import Host
from backboard_server.providers._http import Call
from backboard_server.providers.table import find_row
from backboard_server.providers.wires.openai_chat import OpenAIChat

PROMPT = Prompt(choice=ModelChoice("openai", "gpt-4o"), messages=(PromptMessage("user", "Hi."),))


def _call(provider: str = "openai", key: str = "sk-1", *, streamed: bool = True) -> Call:
    row = find_row(provider)
    assert row is not None
    host = Host(row, "https://vendor.test/v1", key)
    return OpenAIChat().call(PROMPT, host, Facts(context_limit=1), streamed=streamed)


@pytest.mark.parametrize(
    ("provider", "key", "credential"),
    [
        ("openai", "sk-1", {"Authorization": "Bearer sk-1"}),
        ("azure", "sk-1", {"api-key": "sk-1"}),
        ("ollama", "", {}),
    ],
)
def test_a_key_goes_into_the_header_of_its_host_and_no_key_into_none(
    provider: str, key: str, credential: dict[str, str]
) -> None:
    assert _call(provider, key).headers == {"Content-Type": "application/json"} | credential


def test_a_request_goes_to_the_chat_completions_path() -> None:
    call = _call()

    assert call.url == "https://vendor.test/v1/chat/completions"
    assert msgspec.json.decode(call.body or b"")["model"] == "gpt-4o"


def test_only_a_plain_answer_comes_all_at_once() -> None:
    assert [_call(streamed=streamed).is_whole for streamed in (True, False)] == [False, True]


def test_both_ways_of_reading_give_the_same_deltas() -> None:
    whole = b'{"choices":[{"message":{"content":"Hi."},"finish_reason":"stop"}]}'
    reader = OpenAIChat().reader()

    streamed = [*reader.take(whole.replace(b"message", b"delta")), *reader.finish()]

    assert streamed == list(OpenAIChat().read_whole(whole)) == [TextDelta("Hi."), Finish("stop")]
