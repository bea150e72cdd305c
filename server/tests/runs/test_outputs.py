"""Outputs of the application's tools: the run goes on with them, once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from events_of import types_of
from fake_vendor import Answer, FakeVendor
from fake_vendor.script import CalledTool

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["location"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}


def call(arguments: str = '{"location":"Oslo"}', call_id: str = "call_1") -> CalledTool:
    return CalledTool("get_weather", arguments, id=call_id)


async def ask(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    message = {"content": "How is the weather?", "tools": [WEATHER, CLOCK]} | fields
    response = await client.post("/threads/messages", json=message)
    assert response.status_code == 200, response.text
    return response.json()


async def submit(
    client: httpx.AsyncClient, asked: dict[str, Any], *outputs: tuple[str, str], **fields: Any
) -> httpx.Response:
    path = f"/threads/{asked['thread_id']}/runs/{asked['run_id']}/submit-tool-outputs"
    sent = [{"tool_call_id": call_id, "output": output} for call_id, output in outputs]
    return await client.post(path, json={"tool_outputs": sent} | fields)


async def test_calls_that_lead_to_calls_lead_to_an_answer(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(
        Answer(tool_calls=(call(), CalledTool("get_time", "{}", id="call_2"))),
        Answer(tool_calls=(call('{"location":"Bergen"}', "call_3"),)),
        Answer(text="Sunny, then rain."),
    )
    first = await ask(client)
    assert [made["id"] for made in first["tool_calls"]] == ["call_1", "call_2"]

    second = (await submit(client, first, ("call_2", "noon"), ("call_1", "sunny"))).json()
    third = (await submit(client, second, ("call_3", "rain"))).json()

    assert (second["status"], second["run_id"]) == ("REQUIRES_ACTION", first["run_id"])
    assert (third["status"], third["content"]) == ("COMPLETED", "Sunny, then rain.")
    asked = vendor.requests[-1].body["messages"]
    assert [message["role"] for message in asked] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "tool",
    ]
    assert [message.get("tool_call_id") for message in asked if message["role"] == "tool"] == [
        "call_1", "call_2", "call_3",
    ]  # fmt: skip


async def test_the_tools_of_the_message_are_offered_until_its_run_is_over_and_no_longer(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call(),)), Answer(text="Sunny."))
    first = await ask(client, thinking={"effort": "low"}, system_prompt="Be brief.")

    await submit(client, first, ("call_1", "sunny"))
    await client.post(f"/threads/{first['thread_id']}/messages", json={"content": "Thanks"})

    during, after = vendor.requests[-2].body, vendor.requests[-1].body
    assert [tool["function"]["name"] for tool in during["tools"]] == ["get_weather", "get_time"]
    assert during["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "tools" not in after
    assistant = (await client.get(f"/assistants/{first['assistant_id']}")).json()
    assert not assistant["tools"]


async def test_tools_that_come_with_the_outputs_take_the_place_of_those_before(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call(),)), Answer(text="Sunny."))
    first = await ask(client, tool_choice="required")

    await submit(client, first, ("call_1", "sunny"), tools=[WEATHER], tool_choice="none")

    body = vendor.requests[-1].body
    assert [tool["function"]["name"] for tool in body["tools"]] == ["get_weather"]
    assert body["tool_choice"] == "none"


async def test_a_forced_choice_is_over_when_the_outputs_come(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call(),)), Answer(text="Sunny."))
    first = await ask(client, tool_choice="required")

    await submit(client, first, ("call_1", "sunny"))

    assert vendor.requests[0].body["tool_choice"] == "required"
    assert "tool_choice" not in vendor.requests[-1].body


async def test_a_streamed_answer_to_outputs_goes_on_counting(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call(),)), Answer(text="Sunny."))
    first = await ask(client)

    streamed = await submit(client, first, ("call_1", "sunny"), stream=True)

    blocks = streamed.text.split("\n\n")[:-1]
    numbers = [int(block.split("\n")[0].removeprefix("id: ")) for block in blocks]
    assert numbers == list(range(8, 8 + len(blocks)))
    replayed = await client.get(
        f"/threads/{first['thread_id']}/runs/{first['run_id']}/events", params={"after": 7}
    )
    assert replayed.text == streamed.text
    assert types_of([{"type": block.split('"type":"')[1].split('"')[0]} for block in blocks]) == [
        "run_continuing", "message_start", "content_streaming", "run_ended",
    ]  # fmt: skip


@pytest.mark.parametrize("by_thread", [False, True])
async def test_the_same_outputs_twice_get_the_same_answer_and_ask_no_model(
    client: httpx.AsyncClient, vendor: FakeVendor, by_thread: bool
) -> None:
    vendor.script(Answer(tool_calls=(call(),)), Answer(text="Sunny."))
    first = await ask(client)
    answered = await submit(client, first, ("call_1", "sunny"))

    if by_thread:
        again = await client.post(
            "/threads/tool-outputs",
            json={
                "thread_id": first["thread_id"],
                "tool_outputs": [{"tool_call_id": "call_1", "output": "sunny"}],
            },
        )
    else:
        again = await submit(client, first, ("call_1", "sunny"))

    assert (again.status_code, again.content) == (200, answered.content)
    assert len(vendor.requests) == 2
    other = await submit(client, first, ("call_1", "rain"))
    assert other.status_code == 409
    assert "stay as they are" in other.json()["detail"]


async def test_outputs_of_an_earlier_round_again_get_the_answer_of_that_round(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call(),)), Answer(tool_calls=(call(call_id="call_2"),)))
    first = await ask(client)
    second = await submit(client, first, ("call_1", "sunny"))

    again = await submit(client, first, ("call_1", "sunny"))

    assert again.content == second.content
    assert again.json()["tool_calls"][0]["id"] == "call_2"


async def test_a_model_that_uses_an_id_again_does_not_confuse_the_run(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(
        Answer(tool_calls=(call(),)),
        Answer(tool_calls=(call('{"location":"Bergen"}'),)),
        Answer(text="Both."),
    )
    first = await ask(client)
    second = (await submit(client, first, ("call_1", "sunny"))).json()
    (made,) = second["tool_calls"]
    assert made["id"] != "call_1"

    third = await submit(client, second, (made["id"], "rain"))

    assert third.json()["content"] == "Both."


async def test_arguments_that_are_nearly_json_are_mended(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call("{'location': 'Oslo', 'days': '3',}"),)))

    asked = await ask(client)

    (made,) = asked["tool_calls"]
    assert made["function"]["arguments"] == '{"location":"Oslo","days":3}'
    assert len(vendor.requests) == 1


async def test_a_call_that_lacks_a_required_argument_is_asked_for_once_more(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call('{"days":3}'),)), Answer(tool_calls=(call(call_id="call_2"),)))

    asked = await ask(client)

    (made,) = asked["tool_calls"]
    assert (made["id"], made["function"]["arguments"]) == ("call_2", '{"location":"Oslo"}')
    assert "location" in vendor.requests[-1].body["messages"][-1]["content"]
    assert asked["input_tokens"] > 0


async def test_a_model_that_cannot_call_a_tool_rightly_fails_and_says_so(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call('{"days":3}'),)))

    response = await client.post("/threads/messages", json={"content": "Weather?", "tools": [WEATHER]})

    assert response.status_code == 502
    assert response.json()["code"] == "provider_invalid_output"
    assert "location" in response.json()["detail"]


async def test_arguments_that_were_cut_off_are_not_handed_out(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(call('{"location":"Os'),), finish_reason="length"))

    response = await client.post("/threads/messages", json={"content": "Weather?", "tools": [WEATHER]})

    assert response.status_code == 502


async def test_a_tool_that_was_not_offered_is_the_applications_to_know(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(
        Answer(tool_calls=(CalledTool("get_current_weather", "{}", id="call_1"),)), Answer(text="Sunny.")
    )

    asked = await ask(client)
    answered = await submit(client, asked, ("call_1", "sunny"))

    assert asked["status"] == "REQUIRES_ACTION"
    assert answered.json()["content"] == "Sunny."
