from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from http.client import HTTPResponse
from typing import Any, cast

import msgspec

from fake_vendor import Answer, FakeVendor, Stop
from fake_vendor.dialects.openai_responses import OpenAIResponses


async def _ask(url: str, body: object = None) -> tuple[int, Any]:
    def send() -> tuple[int, Any]:
        content = None if body is None else msgspec.json.encode(body)
        request = urllib.request.Request(url, data=content, headers={"Authorization": "Bearer k"})  # noqa: S310 - loopback
        try:
            with cast("HTTPResponse", urllib.request.urlopen(request)) as response:  # noqa: S310 - loopback
                return response.status, msgspec.json.decode(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, msgspec.json.decode(error.read())

    return await asyncio.to_thread(send)


def _question(content: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}]}


async def _text(vendor: FakeVendor, content: str = "Hi.") -> str:
    _, body = await _ask(f"{vendor.base_url}/chat/completions", _question(content))
    return body["choices"][0]["message"]["content"]


async def test_answers_are_taken_in_order_and_the_last_one_repeats() -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="one"), Answer(text="two"))

        assert [await _text(vendor) for _ in range(3)] == ["one", "two", "two"]


async def test_requests_are_recorded_with_their_headers_and_bodies() -> None:
    async with FakeVendor() as vendor:
        await _text(vendor, "Remember me.")

        assert vendor.requests[0].body["messages"][0]["content"] == "Remember me."
        assert vendor.requests[0].headers["authorization"] == "Bearer k"
        assert vendor.requests[0].method == "POST"
        assert msgspec.json.decode(vendor.requests[0].content) == vendor.requests[0].body


async def test_requests_can_be_waited_for() -> None:
    async with FakeVendor() as vendor:
        asking = asyncio.create_task(_text(vendor))

        async with asyncio.timeout(5):
            await vendor.wait_for_requests(1)

        assert len(vendor.requests) == 1
        await asking


async def test_the_script_can_be_changed_over_the_wire() -> None:
    async with FakeVendor() as vendor:
        accepted = await _ask(f"{vendor.root_url}/_script", [{"text": "changed"}])
        refused = await _ask(f"{vendor.root_url}/_script", [{"fault": "no such fault"}])

        assert accepted == (200, {"scripted": 1})
        assert refused[0] == 400
        assert await _text(vendor) == "changed"


async def test_a_fault_that_does_not_exist_in_the_protocol_is_named() -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(fault=Stop(how="close", after="text")))

        status, _ = await _ask(f"{vendor.base_url}/chat/completions", _question("In one piece, please."))

        assert status == 501
        assert vendor.impossible.startswith("openai_chat cannot fail with Stop(")


async def test_models_are_listed_and_bad_requests_refused() -> None:
    async with FakeVendor(models=("first", "second")) as vendor:
        listed = await _ask(f"{vendor.base_url}/models")
        without_model = await _ask(f"{vendor.base_url}/chat/completions", {"messages": []})
        elsewhere = await _ask(f"{vendor.base_url}/elsewhere")

    assert [row["id"] for row in listed[1]["data"]] == ["first", "second"]
    assert (without_model[0], elsewhere[0]) == (400, 404)


async def test_a_request_that_the_real_vendor_refuses_is_refused_in_its_words_and_takes_no_answer() -> None:
    orphan = {"model": "m", "messages": [{"role": "tool", "tool_call_id": "call_1", "content": "Sun."}]}
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="first"), Answer(text="second"))

        status, body = await _ask(f"{vendor.base_url}/chat/completions", orphan)

        assert status == 400
        assert "role 'tool'" in body["error"]["message"]
        assert await _text(vendor) == "first"


async def test_a_vendor_may_speak_less_than_all_dialects() -> None:
    async with FakeVendor(dialects=(OpenAIResponses(),)) as vendor:
        chat, _ = await _ask(f"{vendor.base_url}/chat/completions", _question("Hi."))
        responses, _ = await _ask(f"{vendor.base_url}/responses", {"model": "m", "input": "Hi."})

    assert (chat, responses) == (404, 200)
