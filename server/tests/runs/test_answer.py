"""The answer to a message, held to the form that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import BudgetSpent, Upstream
from backboard_server.domain.events import ContentStreaming, Event, RunEnded, ToolSubmitRequired
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.prompts import ModelChoice, ResponseFormat
from backboard_server.runs.accept import accept_message
from backboard_server.runs.run import run_message
from backboard_server.store.budgets import set_budget
from backboard_server.store.database import Connection
from fake_vendor import Answer, CalledTool, FakeVendor, Fault, Tokens
from tenants import Tenant

PERSON = ResponseFormat(
    schema={"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}, name="person"
)
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}

modes = pytest.mark.parametrize("streamed", [True, False])


async def run(adapters: Adapters, tenant: Tenant, seen: list[Event] | None = None, **fields: Any) -> Event:
    """Run a message to its end; `seen` collects the events, also where the run fails."""
    seen = [] if seen is None else seen
    message = SendMessage(content="Who?", response_format=fields.pop("response_format", PERSON), **fields)
    accepted = await accept_message(adapters, tenant.caller, message, [])
    async for event in run_message(adapters, accepted):
        seen.append(event)
    return seen[-1]


@modes
async def test_a_good_answer_is_sent_once_it_is_checked(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor, streamed: bool
) -> None:
    vendor.script(Answer(text='```json\n{"name": "Ada"}\n```'))
    seen: list[Event] = []

    last = await run(adapters, tenant, seen, stream=streamed)

    assert isinstance(last, RunEnded)
    assert last.content == last.final_content == '{"name": "Ada"}'
    assert [event.content for event in seen if isinstance(event, ContentStreaming)] == ['{"name": "Ada"}']
    assert len(vendor.requests) == 1


@modes
async def test_an_answer_that_misses_the_form_is_repaired_in_one_round(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor, streamed: bool
) -> None:
    wrong = Answer(text='{"nome": "Ada"}', usage=Tokens(prompt=10, completion=4))
    vendor.script(wrong, Answer(text='{"name": "Ada"}', usage=Tokens(prompt=30, completion=5)))

    last = await run(adapters, tenant, stream=streamed)

    assert isinstance(last, RunEnded)
    assert last.content == '{"name": "Ada"}'
    assert (last.input_tokens, last.output_tokens) == (40, 9)
    assert last.context_usage.used_tokens == 35
    said, asked = vendor.requests[1].body["messages"][-2:]
    assert said == {"role": "assistant", "content": '{"nome": "Ada"}'}
    assert '"name" is a required property' in asked["content"]


@modes
async def test_an_answer_that_misses_the_form_twice_fails_with_its_reason(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor, streamed: bool
) -> None:
    vendor.script(Answer(text="Ada"))

    with pytest.raises(Upstream) as caught:
        await run(adapters, tenant, stream=streamed)

    assert caught.value.error_code == "provider_invalid_output"
    assert "not JSON" in caught.value.message
    assert len(vendor.requests) == 2


async def test_the_form_holds_beside_tools_but_not_for_their_calls(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="I look.", tool_calls=(CalledTool("look"),)))

    last = await run(adapters, tenant, tools=[TOOL])

    assert isinstance(last, ToolSubmitRequired)
    assert last.content == "I look."
    assert vendor.requests[0].body["response_format"]["json_schema"]["name"] == "person"


async def test_json_output_is_checked_like_any_form(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="no object"), Answer(text='{"a": 1}'))

    last = await run(adapters, tenant, response_format=None, json_output=True)

    assert isinstance(last, RunEnded)
    assert last.content == '{"a": 1}'


async def test_the_model_that_answered_is_the_one_that_repairs(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(fault=Fault.UNAUTHORIZED), Answer(text="Ada"), Answer(text='{"name": "Ada"}'))

    last = await run(adapters, tenant, fallbacks=[ModelChoice("openai", "gpt-4o-mini")], model_name="gpt-4o")

    assert isinstance(last, RunEnded)
    assert [request.body["model"] for request in vendor.requests] == ["gpt-4o", "gpt-4o-mini", "gpt-4o-mini"]


async def test_a_second_round_that_the_budget_does_not_cover_is_not_begun(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    name = await owner.fetchval("SELECT name FROM tenants WHERE tenant_id = $1", tenant.caller.tenant_id)
    await set_budget(owner, name, None, 0.01, "day")
    vendor.script(Answer(text="Ada", usage=Tokens(prompt=4_000, completion=1)))  # gpt-4o: all that there is

    with pytest.raises(BudgetSpent):
        await run(adapters, tenant, model_name="gpt-4o")

    assert len(vendor.requests) == 1
