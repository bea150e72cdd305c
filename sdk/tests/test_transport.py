from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from backboard import (
    BackboardAPIError,
    BackboardClient,
    BackboardConnectionError,
    BackboardNotFoundError,
    BackboardPaymentRequiredError,
    BackboardRateLimitError,
    BackboardResponseError,
    BackboardServerError,
    BackboardTimeoutError,
    BackboardUnprocessableError,
    BackboardValidationError,
    UploadFile,
)

from .conftest import Connect
from .scripted_server import Answer, ScriptedServer, json_answer, sse, stream_answer
from .test_messages import ANSWER

ID = "018f2b6a-0000-7000-8000-000000000001"
NOW = {"Retry_After": "0"}
LATER = {"Retry_After": "3600"}
KEY = "idempotency-key"


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
async def test_a_read_is_repeated_when_the_trouble_may_pass(
    client: BackboardClient, server: ScriptedServer, status: int
) -> None:
    server.script(json_answer({"detail": "Not now"}, status, **NOW), json_answer([]))

    assert await client.list_threads() == []
    assert len(server.requests) == 2


async def test_a_read_is_repeated_without_the_servers_word_after_a_pause(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"detail": "Not now"}, 503), json_answer([]))
    began = time.monotonic()

    assert await client.list_threads() == []
    assert time.monotonic() - began >= 0.25


async def test_a_read_is_repeated_when_the_connection_breaks(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(Answer(is_dropped=True), Answer(200, pieces=(b"[",), is_cut_off=True), json_answer([]))

    assert await client.list_threads() == []
    assert len(server.requests) == 3


async def test_repeating_ends_and_the_last_failure_is_raised(
    connect: Connect, server: ScriptedServer
) -> None:
    server.script(*[json_answer({"detail": f"Failure {number}"}, 503, **NOW) for number in range(4)])

    with pytest.raises(BackboardServerError, match="Failure 1"):
        await connect(max_retries=1).list_threads()

    assert len(server.requests) == 2


async def test_no_retries_means_one_attempt(connect: Connect, server: ScriptedServer) -> None:
    server.script(json_answer({"detail": "Not now"}, 503, **NOW), json_answer([]))

    with pytest.raises(BackboardServerError):
        await connect(max_retries=0).list_threads()

    assert len(server.requests) == 1


async def test_a_pause_longer_than_we_wait_is_left_to_the_caller(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"detail": "Much later"}, 429, **LATER))

    with pytest.raises(BackboardRateLimitError) as raised:
        await client.list_threads()

    assert raised.value.retry_after == 3600
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(is_dropped=True),
        Answer(200, pieces=(b"{",), is_cut_off=True),
        json_answer({"detail": "Bad gateway"}, 502, **NOW),
        json_answer({"detail": "Slow down"}, 429, **NOW),
    ],
)
async def test_a_message_is_sent_again_under_the_same_key(
    client: BackboardClient, server: ScriptedServer, trouble: Answer
) -> None:
    server.script(trouble, json_answer(ANSWER))

    assert (await client.add_message(ID, "Hello")).content == "Hello there"

    first, second = server.requests
    assert first.body == second.body
    assert first.headers[KEY] == second.headers[KEY]


@pytest.mark.parametrize(
    "trouble",
    [
        json_answer({"detail": "Failed"}, 500, **NOW),
        json_answer({"detail": "OpenAI is busy", "code": "provider_rate_limited"}, 429, **NOW),
        json_answer({"detail": "Used", "code": "idempotency_key_reused"}, 409, **NOW),
    ],
)
async def test_a_message_whose_failure_lasts_is_not_sent_again(
    client: BackboardClient, server: ScriptedServer, trouble: Answer
) -> None:
    server.script(trouble)

    with pytest.raises(BackboardAPIError):
        await client.add_message(ID, "Hello")

    assert len(server.requests) == 1


async def test_files_are_sent_again_byte_by_byte(
    client: BackboardClient, server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "b.txt").write_bytes(b"B")
    server.script(Answer(is_dropped=True), stream_answer(sse("run_ended", content="Done")))

    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"C")

    with os.fdopen(reading, "rb") as pipe:
        files: list[UploadFile] = [("a.txt", b"A"), tmp_path / "b.txt", ("c.txt", pipe)]
        stream = await client.add_message(ID, "Hello", files=files, stream=True)

    assert (await stream.final())["content"] == "Done"
    first, second = server.requests
    assert [part.content for part in second.parts[-3:]] == [b"A", b"B", b"C"]
    assert first.body == second.body
    assert first.headers["content-type"] == second.headers["content-type"]


async def test_each_call_has_a_key_of_its_own_unless_the_caller_gives_one(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(*[json_answer(ANSWER)] * 3)

    await client.send_message("Hello")
    await client.send_message("Hello")
    await client.send_message("Hello", idempotency_key="order 7")

    one, two, given = [request.headers[KEY] for request in server.requests]
    assert one != two
    assert (len(one), given) == (32, "order 7")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("create_assistant", ("A",)),
        ("create_thread", (ID,)),
        ("add_memory", (ID, "A")),
        ("upload_document_to_assistant", (ID, ("a.txt", b"A"))),
        ("upload_document_to_thread", (ID, ("a.txt", b"A"))),
        ("add_message", (ID, "A")),
        ("submit_tool_outputs_simple", (ID, ())),
        ("submit_tool_outputs", (ID, "r", ())),
    ],
)
async def test_whatever_makes_something_takes_a_key(
    client: BackboardClient, server: ScriptedServer, method: str, arguments: tuple[object, ...]
) -> None:
    server.script(json_answer({"detail": "Seen"}, 400))

    with pytest.raises(BackboardAPIError, match="Seen"):
        await getattr(client, method)(*arguments, idempotency_key="k")

    assert server.last_request.headers[KEY] == "k"


async def test_only_what_changes_something_has_a_key(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer([]))

    await client.list_threads()

    assert KEY not in server.last_request.headers


async def test_a_key_that_no_server_takes_is_refused_before_anything_is_sent(
    client: BackboardClient, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError, match="idempotency_key"):
        await client.create_thread(ID, idempotency_key="")

    assert server.requests == []


async def test_a_server_that_is_not_there_is_told_with_its_address(connect: Connect) -> None:
    client = connect(base_url="http://127.0.0.1:9/api", max_retries=0)

    with pytest.raises(BackboardConnectionError, match=r"http://127\.0\.0\.1:9/api/threads") as raised:
        await client.list_threads()

    assert raised.value.status_code is None


async def test_a_silent_server_is_given_up_on_and_not_asked_again(
    connect: Connect, server: ScriptedServer
) -> None:
    server.script(Answer(200, is_silent=True))

    with pytest.raises(BackboardTimeoutError):
        await connect(timeout=0.2).list_threads()

    assert len(server.requests) == 1


async def test_each_call_may_have_a_timeout_of_its_own(connect: Connect, server: ScriptedServer) -> None:
    server.script(Answer(200, is_silent=True))

    with pytest.raises(BackboardTimeoutError):
        await connect(timeout=600).get_assistant(ID, timeout=0.2)


async def test_the_sentence_code_and_request_id_of_an_error_are_kept(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(
        json_answer({"detail": "No such assistant", "code": "not_found"}, 404, X_Request_ID="req_7")
    )

    with pytest.raises(BackboardNotFoundError) as raised:
        await client.get_assistant("invalid_id")

    error = raised.value
    assert (str(error), error.status_code, error.code) == ("No such assistant", 404, "not_found")
    assert error.request_id == "req_7"
    assert error.body == {"detail": "No such assistant", "code": "not_found"}
    assert error.response is not None


async def test_the_body_of_an_error_is_kept_on_a_stream_too(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(
        json_answer({"detail": {"code": "budget_used_up", "message": "The budget is used up"}}, 402)
    )

    with pytest.raises(BackboardPaymentRequiredError, match="The budget is used up") as raised:
        await client.add_message(ID, "Hello", stream=True)

    assert raised.value.code == "budget_used_up"


async def test_a_misshapen_request_is_told_in_readable_text(
    client: BackboardClient, server: ScriptedServer
) -> None:
    problems = [
        {"loc": ["body", "name"], "msg": "Field required", "type": "missing"},
        {"loc": ["query", "limit"], "msg": "Input should be less than or equal to 200", "type": "less_than"},
    ]
    server.script(json_answer({"detail": problems}, 422))

    with pytest.raises(BackboardUnprocessableError) as raised:
        await client.create_assistant("")

    assert str(raised.value) == (
        "body.name: Field required; query.limit: Input should be less than or equal to 200"
    )
    assert isinstance(raised.value, BackboardValidationError)


async def test_a_page_in_place_of_json_is_an_error_that_shows_it(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(Answer(200, {"Content-Type": "text/html"}, (b"<html>Sign in</html>",)))

    with pytest.raises(BackboardResponseError, match="Sign in"):
        await client.list_threads()


async def test_json_in_place_of_a_stream_is_an_error_that_keeps_it(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"content": "Hello"}))

    with pytest.raises(BackboardResponseError, match="application/json") as raised:
        await client.add_message(ID, "Hello", stream=True)

    assert raised.value.body == {"content": "Hello"}


async def test_a_redirect_is_not_followed_as_it_would_carry_the_key_away(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(Answer(307, {"Location": "http://127.0.0.1:9/"}))

    with pytest.raises(BackboardAPIError, match="307"):
        await client.list_threads()


async def test_an_answer_of_another_shape_is_an_error_of_ours(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"unexpected": True}))

    with pytest.raises(BackboardResponseError, match="Assistant") as raised:
        await client.get_assistant(ID)

    assert raised.value.body == {"unexpected": True}
