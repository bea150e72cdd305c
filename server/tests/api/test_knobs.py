"""What a message may ask of models, in every spelling and encoding that clients send."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError

from backboard_server.api.knobs import ToolChoiceBody, ToolChoiceField
from backboard_server.domain.prompts import ToolChoice
from fake_vendor import Answer, FakeVendor, Fault

CHOICES: TypeAdapter[ToolChoiceBody | None] = TypeAdapter(ToolChoiceField)

PNG = bytes.fromhex("89504e470d0a1a0a") + b"\0" * 24
PERSON = {"name": "person", "schema": {"type": "object", "required": ["name"]}, "strict": True}


async def send(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/threads/messages", json={"content": "Hi"} | fields)


def finding(response: httpx.Response) -> str:
    assert response.status_code == 422, response.text
    return " ".join(str(part) for part in response.json()["detail"][0]["loc"])


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        ({"effort": "LOW"}, "low"),
        ({"effort": "xhigh"}, "high"),
        ({"budget_tokens": 1000}, "low"),
        ({"max_tokens": 100_000, "exclude_reasoning": True}, "high"),
        ({}, None),
        (True, None),
        (False, None),
        (None, None),
        ({"unknown": 1}, None),
    ],
)
async def test_thinking_reaches_the_model_in_its_own_words(
    client: httpx.AsyncClient, vendor: FakeVendor, thinking: object, effort: str | None
) -> None:
    response = await send(client, thinking=thinking, model_name="a-model-nobody-knows")

    assert response.status_code == 200, response.text
    assert vendor.requests[-1].body.get("reasoning_effort") == effort


@pytest.mark.parametrize("is_hidden", [False, True])
async def test_reasoning_is_shown_unless_it_is_not_wanted(
    client: httpx.AsyncClient, vendor: FakeVendor, is_hidden: bool
) -> None:
    vendor.script(Answer(text="42", reasoning="Let me think."))

    response = await send(client, thinking={"exclude_reasoning": is_hidden})

    assert response.json()["reasoning"] == (None if is_hidden else "Let me think.")


ONE_FUNCTION = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(
    ("sent", "choice"),
    [
        ("auto", ToolChoice("auto")),
        ('"auto"', ToolChoice("auto")),
        (" None ", ToolChoice("none")),
        ("REQUIRED", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "auto", "function": {"name": "get_weather"}}, ToolChoice("auto")),
        (ONE_FUNCTION, ToolChoice("function", "get_weather")),
        (json.dumps(ONE_FUNCTION), ToolChoice("function", "get_weather")),
        ({"type": "function", "name": "get_weather"}, ToolChoice("function", "get_weather")),
        ({"type": "tool", "name": "get_weather"}, ToolChoice("function", "get_weather")),
    ],
)
def test_a_choice_of_tools_is_understood_in_every_spelling(sent: object, choice: ToolChoice) -> None:
    body = CHOICES.validate_python(sent)

    assert body is not None
    assert body.noun() == choice


@pytest.mark.parametrize("sent", [None, "", "  ", "null"])
def test_no_choice_of_tools_is_none(sent: object) -> None:
    assert CHOICES.validate_python(sent) is None


@pytest.mark.parametrize(
    ("sent", "finding"),
    [
        ("sometimes", "'auto', 'none', 'required' or 'function'"),
        ("{", "is not valid JSON"),
        ({}, "'auto', 'none', 'required' or 'function'"),
        ({"type": None}, "'auto', 'none', 'required' or 'function'"),
        (["auto"], "valid dictionary"),
        (True, "valid dictionary"),
        ("function", 'needs function: {"name": …}'),
        ({"type": "function", "function": {}}, "function.name"),
        ({"type": "function", "function": {"name": ""}}, "at least 1 character"),
    ],
)
def test_a_choice_of_tools_that_cannot_be_says_what_can(sent: object, finding: str) -> None:
    with pytest.raises(ValidationError) as refused:
        CHOICES.validate_python(sent)

    assert finding in str(refused.value)


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"thinking": {"effort": "extreme"}}, "thinking effort"),
    ({"thinking": {"budget_tokens": -1}}, "thinking budget_tokens"),
    ({"thinking": "hard"}, "thinking"),
    ({"response_format": {"type": "xml"}}, "response_format type"),
    ({"response_format": {"type": "json_schema"}}, "response_format"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}}, "name"),
    ({"fallbacks": [{}]}, "fallbacks 0 llm_provider"),
    ({"fallbacks": "openai"}, "fallbacks"),
    ({"fallbacks": [{"llm_provider": "openai"}] * 6}, "fallbacks"),
]


@pytest.mark.parametrize(("fields", "place"), IMPOSSIBLE)
async def test_what_cannot_be_is_refused_by_its_name(
    client: httpx.AsyncClient, fields: dict[str, Any], place: str
) -> None:
    assert place in finding(await send(client, **fields))


async def test_a_schema_that_is_none_is_refused_before_anything_is_stored(client: httpx.AsyncClient) -> None:
    schema = {"name": "x", "schema": {"type": "nonsense"}}

    response = await send(client, response_format={"type": "json_schema", "json_schema": schema})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_schema")
    assert (await client.get("/threads")).json() == []


async def test_a_schema_reaches_the_model_and_binds_the_answer(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text='{"name": "Ada"}'))

    response = await send(client, response_format={"type": "json_schema", "json_schema": PERSON})

    assert response.json()["content"] == '{"name": "Ada"}'
    assert vendor.requests[0].body["response_format"] == {"type": "json_schema", "json_schema": PERSON}


async def test_an_answer_without_its_form_is_an_error_that_says_why(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="I would rather not."))

    response = await send(client, response_format={"type": "json_schema", "json_schema": PERSON})

    assert (response.status_code, response.json()["code"]) == (502, "provider_invalid_output")
    assert "not JSON" in response.json()["detail"]


async def test_plain_text_may_be_asked_for_by_name(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    response = await send(client, response_format={"type": "text"})

    assert response.status_code == 200
    assert "response_format" not in vendor.requests[0].body


@pytest.mark.parametrize("encoding", ["json", "form"])
async def test_a_fallback_answers_and_the_answer_says_so(
    client: httpx.AsyncClient, vendor: FakeVendor, encoding: str
) -> None:
    vendor.script(Answer(fault=Fault.UNAUTHORIZED), Answer(text="Hello"))
    wish = [{"llm_provider": "OpenAI", "model_name": "gpt-4o-mini"}]

    if encoding == "json":
        response = await send(client, model_name="gpt-4o", fallbacks=wish)
    else:
        fields = {"content": "Hi", "model_name": "gpt-4o", "fallbacks": json.dumps(wish)}
        response = await client.post("/threads/messages", data=fields)

    answer = response.json()
    assert (answer["content"], answer["model_name"]) == ("Hello", "gpt-4o-mini")
    assert [(attempt["model_name"], attempt["error_code"]) for attempt in answer["attempts"]] == [
        ("gpt-4o", "provider_rejected_key"),
        ("gpt-4o-mini", None),
    ]


async def test_an_assistants_fallbacks_hold_for_its_threads(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    wish = [
        {"llm_provider": "nobody", "model_name": "x"},
        {"llm_provider": "openai", "model_name": "gpt-4.1"},
    ]
    created = (await client.post("/assistants", json={"name": "A", "fallbacks": wish})).json()
    vendor.script(Answer(fault=Fault.UNAUTHORIZED), Answer(text="Hello"))

    answer = (await send(client, assistant_id=created["assistant_id"])).json()

    assert created["fallbacks"] == wish
    assert (answer["content"], answer["model_name"]) == ("Hello", "gpt-4.1")


async def test_an_assistants_fallbacks_can_be_changed_and_removed(client: httpx.AsyncClient) -> None:
    wish = [{"llm_provider": "openai", "model_name": "gpt-4.1"}]
    created = (await client.post("/assistants", json={"name": "A"})).json()
    path = f"/assistants/{created['assistant_id']}"

    changed = (await client.put(path, json={"fallbacks": wish})).json()
    kept = (await client.put(path, json={"name": "B"})).json()
    removed = (await client.put(path, json={"fallbacks": None})).json()

    assert [each["fallbacks"] for each in (created, changed, kept, removed)] == [None, wish, wish, None]


async def test_a_fallback_that_cannot_be_called_is_refused_at_once(client: httpx.AsyncClient) -> None:
    response = await send(client, fallbacks=[{"llm_provider": "nobody"}])

    assert (response.status_code, response.json()["code"]) == (400, "unknown_provider")


async def test_an_image_is_shown_to_the_model_now_and_in_the_turns_that_follow(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    files = {"files": ("holiday.txt", PNG, "text/plain")}  # its bytes say what it is, not its name
    first = await client.post("/threads/messages", data={"content": "What is this?"}, files=files)
    await send(client, thread_id=first.json()["thread_id"], content="And now?")

    now, then = (request.body["messages"] for request in vendor.requests)
    assert now[-1]["content"][0] == {"type": "text", "text": "What is this?"}
    assert now[-1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert then[0] == now[-1]
    assert then[-1] == {"role": "user", "content": "And now?"}


async def test_a_model_that_cannot_see_is_told_the_names(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    files = {"files": ("a.png", PNG, "image/png")}
    fields = {"content": "What is this?", "model_name": "gpt-3.5-turbo"}
    await client.post("/threads/messages", data=fields, files=files)

    said = vendor.requests[0].body["messages"][-1]["content"]
    assert said == "What is this?\n\n[Files attached, which this model cannot see: a.png]"


async def test_what_an_answer_cost_comes_with_it(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    answer = (await send(client, model_name="gpt-4o")).json()
    unpriced = (await send(client, model_name="a-model-nobody-knows")).json()

    assert answer["cost_usd"] > 0
    assert unpriced["cost_usd"] is None
