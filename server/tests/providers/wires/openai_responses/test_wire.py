from __future__ import annotations

import msgspec
import pytest

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage
from backboard_server.providers._failures import Failure
from backboard_server.providers._hosts import Host
from backboard_server.providers.table import find_row
from backboard_server.providers.wires.openai_responses import OpenAIResponses

PROMPT = Prompt(choice=ModelChoice("openai", "gpt-5"), messages=(PromptMessage("user", "Hi."),))
FACTS = Facts(context_limit=400_000)


def _host(provider: str, key: str = "sk-1") -> Host:
    row = find_row(provider)
    assert row is not None
    return Host(row, "https://example.test/v1", key)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_request_goes_to_the_path_of_responses(streamed: bool) -> None:
    call = OpenAIResponses().call(PROMPT, _host("openai"), FACTS, streamed=streamed)

    assert call.url == "https://example.test/v1/responses"
    assert msgspec.json.decode(call.body or b"").get("stream", False) is streamed
    assert call.is_whole is not streamed


@pytest.mark.parametrize(
    ("provider", "header", "shown"),
    [("openai", "Authorization", "Bearer sk-1"), ("azure", "api-key", "sk-1")],
)
def test_a_key_is_shown_as_the_host_wants_it_and_none_nowhere(provider: str, header: str, shown: str) -> None:
    wire = OpenAIResponses()

    headers = wire.call(PROMPT, _host(provider), FACTS, streamed=True).headers
    assert {name: value for name, value in headers.items() if "sk-1" in value} == {header: shown}
    assert header not in wire.call(PROMPT, _host(provider, ""), FACTS, streamed=True).headers


def test_the_last_event_may_be_as_long_as_the_answer_and_no_longer_than_any() -> None:
    frames = OpenAIResponses().frames()

    assert frames.feed(b"data: " + b"x" * 5 * 1024 * 1024) == []
    with pytest.raises(Failure, match="longer"):
        _ = frames.feed(b"x" * 12 * 1024 * 1024)
