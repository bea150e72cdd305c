"""Bodies: read within bounds, whatever they are said to be."""

from __future__ import annotations

import httpx
import pytest

from backboard_server.api import bodies
from backboard_server.domain.messages import CONTENT_CHARACTERS_MAX

PATH = "/threads/messages"


def nested(depth: int) -> str:
    return '{"content": "x", "metadata": ' + '{"a": ' * depth + "1" + "}" * depth + "}"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"content": ', 422),
        (b"[1, 2]", 422),
        (b'"text"', 422),
        (b"\xff\xfe", 422),
        (b'{"content": "\xff"}', 422),
        (b"", 400),
        (b"{}", 400),
        (nested(60).encode(), 200),
        (nested(80).encode(), 422),
        (b"[" * 100_000, 422),
    ],
)
async def test_json_of_every_kind_gets_a_clear_answer(
    client: httpx.AsyncClient, content: bytes, status: int
) -> None:
    headers = {"content-type": "application/json"}

    response = await client.post(PATH, content=content, headers=headers)

    assert response.status_code == status, response.text
    assert response.json()


@pytest.mark.parametrize("encoding", ["json", "urlencoded", "multipart"])
async def test_a_text_of_any_script_may_be_as_long_in_every_encoding(
    client: httpx.AsyncClient, encoding: str
) -> None:
    fields = {"content": "你" * CONTENT_CHARACTERS_MAX, "send_to_llm": "false"}

    if encoding == "json":
        response = await client.post(PATH, json=fields)
    else:
        files = {"files": ("empty.txt", b"")} if encoding == "multipart" else None
        response = await client.post(PATH, data=fields, files=files)

    assert response.status_code == 200, response.text
    assert response.json()["content"] == fields["content"]


@pytest.mark.parametrize("field", ["metadata", "thinking", "tools"])
@pytest.mark.parametrize(
    "text",
    ['{"a": ' * 80 + "1" + "}" * 80, "[" * 80 + "]" * 80, "[" * 5_000, '{"a": "\\u0000"}', '{"a": 1e400}'],
    ids=["deep object", "deep list", "endless", "NUL", "infinite"],
)
async def test_json_inside_a_form_is_held_to_the_same_bounds(
    client: httpx.AsyncClient, field: str, text: str
) -> None:
    response = await client.post(PATH, data={"content": "x", "send_to_llm": "false", field: text})

    assert response.status_code == 422, response.text
    assert response.json()["detail"][0]["loc"] == ["body", field]


@pytest.mark.parametrize("number", ["1e400", "-Infinity", "NaN"])
async def test_a_number_that_json_does_not_know_is_refused(client: httpx.AsyncClient, number: str) -> None:
    function = f'{{"name": "look", "parameters": {{"type": "object", "maximum": {number}}}}}'
    content = f'{{"name": "x", "tools": [{{"type": "function", "function": {function}}}]}}'

    response = await client.post("/assistants", content=content, headers={"content-type": "application/json"})

    assert response.status_code == 422, response.text


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/mixed"])
async def test_another_content_type_is_refused_with_the_three_that_are_not(
    client: httpx.AsyncClient, kind: str
) -> None:
    response = await client.post(PATH, content=b"Hello", headers={"content-type": kind})

    assert response.status_code == 415
    assert "application/json" in response.json()["detail"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no boundary here",
        b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nHel',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    ],
)
async def test_a_broken_form_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}

    response = await client.post(PATH, content=content, headers=headers)

    assert response.status_code in (400, 422), response.text
    assert response.json()["detail"]


async def test_a_form_without_boundary_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, content=b"x", headers={"content-type": "multipart/form-data"})

    assert response.status_code == 400


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
async def test_too_much_text_is_refused(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(bodies, "TEXT_BODY_BYTES_MAX", 1024 * 1024)
    content = b"content=" + b"x" * (1024 * 1024)

    response = await client.post(PATH, content=content, headers={"content-type": kind})

    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


async def test_too_many_files_are_refused(client: httpx.AsyncClient) -> None:
    files = [("files", (f"{number}.txt", b"x")) for number in range(bodies.FILES_MAX + 1)]

    response = await client.post(PATH, data={"content": "x"}, files=files)

    assert response.status_code == 400


async def test_text_that_cannot_be_stored_is_refused_where_it_is_deep(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json={"content": "x", "metadata": {"a": [{"b": "\0"}]}})

    assert response.status_code == 422
    assert "metadata.a[0].b" in response.text
    assert "NUL" in response.text


async def test_a_form_field_of_json_text_that_is_none_is_named(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, data={"content": "x", "metadata": "{broken"})

    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "metadata"]
