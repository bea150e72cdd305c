from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.errors import Upstream
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    Prompt,
    PromptMessage,
    TextDelta,
    Thinking,
    ToolCall,
)
from backboard_server.providers import Providers
from fake_vendor import Answer, CalledTool, FakeVendor
from fake_vendor.dialects.bedrock_signatures import SECRETS

CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ARN = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{CLAUDE}"
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "weather"}}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": SECRETS["AKIDEXAMPLE"],
    "AWS_SESSION_TOKEN": "token",
}
modes = pytest.mark.parametrize("streamed", [True, False])


async def _answer(
    vendor: FakeVendor, prompt: Prompt, *, streamed: bool, environment: dict[str, str] = CREDENTIALS
) -> list[Delta]:
    providers = Providers(environment | {"BEDROCK_BASE_URL": vendor.root_url})
    try:
        return [delta async for delta in providers.stream(prompt, streamed=streamed)]
    finally:
        await providers.aclose()


def _prompt(*messages: PromptMessage, model: str = CLAUDE, **fields: Any) -> Prompt:
    return Prompt(choice=ModelChoice("amazon-bedrock", model), messages=messages, **fields)


@modes
@pytest.mark.parametrize("model", [CLAUDE, ARN, "a model/of ü%3A names", "x"])
async def test_a_signed_request_is_taken_whatever_the_id_of_the_model(
    model: str, streamed: bool, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="Hi."))

    deltas = await _answer(vendor, _prompt(PromptMessage("user", "Hello."), model=model), streamed=streamed)

    assert deltas[0] == TextDelta("Hi.")
    assert "x-amz-security-token" in vendor.requests[0].headers


async def test_a_wrong_secret_is_a_rejected_key(vendor: FakeVendor) -> None:
    environment = CREDENTIALS | {"AWS_SECRET_ACCESS_KEY": "a-wrong-secret"}

    with pytest.raises(Upstream) as caught:
        await _answer(
            vendor, _prompt(PromptMessage("user", "Hello.")), streamed=True, environment=environment
        )

    assert (caught.value.kind, caught.value.status) == ("rejected_key", 403)
    assert "a-wrong-secret" not in caught.value.message


async def test_an_id_that_only_a_profile_calls_is_a_model_that_is_missing(vendor: FakeVendor) -> None:
    prompt = _prompt(PromptMessage("user", "Hello."), model="anthropic.claude-sonnet-4-6")

    with pytest.raises(Upstream, match="inference profile") as caught:
        await _answer(vendor, prompt, streamed=False)

    assert caught.value.kind == "model_missing"


@modes
@pytest.mark.parametrize("reasoning", ["I must look it up.", ""])
async def test_sealed_thoughts_go_back_amid_a_turn_of_tools(
    reasoning: str, streamed: bool, vendor: FakeVendor
) -> None:
    vendor.script(
        Answer(
            text="", reasoning=reasoning, signature="seal", tool_calls=(CalledTool("weather", "{}", "a"),)
        ),
        Answer(text="Sun."),
    )
    question = PromptMessage("user", "The weather?")
    prompt = _prompt(question, tools=(TOOL,), thinking=Thinking())
    finish = (await _answer(vendor, prompt, streamed=streamed))[-1]
    assert isinstance(finish, Finish)
    called = PromptMessage(
        "assistant",
        "",
        tool_calls=(ToolCall("a", "weather", "{}"),),
        provider="amazon-bedrock",
        sidecar=finish.sidecar,
    )
    output = PromptMessage("tool", "Sun.", tool_call_id="a")

    again = _prompt(question, called, output, tools=(TOOL,), thinking=Thinking())
    deltas = await _answer(vendor, again, streamed=streamed)

    assert deltas[0] == TextDelta("Sun.")
    assert len(vendor.requests) == 2
    body = vendor.requests[1].body
    assert "reasoningContent" in body["messages"][1]["content"][0]
    assert body["additionalModelRequestFields"]["thinking"]["type"] == "enabled"
