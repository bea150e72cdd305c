from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import msgspec
import pytest

from fake_vendor import Answer, FakeVendor, Fault, Tokens
from fake_vendor.connection import Request
from fake_vendor.description import ABSENT, is_available, problems
from fake_vendor.dialects import DIALECTS, Dialect
from fake_vendor.dialects.openai_embeddings import OpenAIEmbeddings, vector_of

OPENAI: Dialect = OpenAIEmbeddings(dimensions=8)
HEALTHY = Answer()
described = pytest.mark.skipif(not is_available(), reason=ABSENT)


def _request(**body: Any) -> Request:
    return Request("POST", "/v1/embeddings", {}, msgspec.json.encode({"model": "m", **body}))


def _body(dialect: Dialect = OPENAI, answer: Answer = HEALTHY, **body: Any) -> dict[str, Any]:
    return dialect.body(answer, dialect.parse(_request(**body)))


def _refusal(dialect: Dialect = OPENAI, **body: Any) -> str | None:
    return dialect.refusal(dialect.parse(_request(**body)))


def _inner(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@described
def test_an_answer_is_what_openai_describes() -> None:
    assert problems("CreateEmbeddingResponse", _body(input=["one", "two"])) == []


def test_base64_holds_the_numbers_of_the_list() -> None:
    listed = _body(input="one two")["data"][0]["embedding"]
    encoded = _body(input="one two", encoding_format="base64")["data"][0]["embedding"]

    assert struct.unpack("<8f", base64.b64decode(encoded)) == pytest.approx(listed)


def test_as_many_dimensions_come_as_are_asked_for_unless_the_host_does_not_heed_it() -> None:
    deaf = OpenAIEmbeddings(dimensions=8, heeds=())

    assert len(_body(input="one", dimensions=4)["data"][0]["embedding"]) == 4
    assert len(_body(deaf, input="one", dimensions=4)["data"][0]["embedding"]) == 8


def test_texts_that_share_words_lie_closer_than_those_that_do_not() -> None:
    coffee, latte, train = (vector_of(text, 256) for text in ("I like coffee", "I like latte", "trains late"))

    assert _inner(coffee, latte) > 0.5 > abs(_inner(coffee, train))


def test_tokens_are_words_or_what_the_script_says() -> None:
    assert _body(input=["one two", "three"])["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert _body(answer=Answer(usage=Tokens(7)), input="one")["usage"]["total_tokens"] == 7


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"input": ""}, "empty string"),
        ({"input": []}, "expected 1 to"),
        ({"input": ["word " * 9_000]}, "maximum context length"),
    ],
)
def test_what_openai_refuses_is_refused(body: dict[str, Any], words: str) -> None:
    assert words in (_refusal(**body) or "")


def test_a_strict_host_refuses_options_that_it_does_not_know() -> None:
    strict = OpenAIEmbeddings(takes=("dimensions",))

    assert _refusal(strict, input="one", dimensions=4) is None
    assert "encoding_format" in (_refusal(strict, input="one", encoding_format="base64") or "")


@pytest.mark.parametrize("fault", [Fault.EMPTY_CHOICES, Fault.NULL_CONTENT, Fault.USAGE_MISSING])
def test_oddities_differ_from_health(fault: Fault) -> None:
    body = _body(input="one")

    assert OPENAI.odd_body(fault, body) not in (None, body)


async def test_a_vendor_embeds_beside_all_else_that_it_does() -> None:
    async with FakeVendor(dialects=(*DIALECTS, OPENAI)) as vendor, httpx.AsyncClient() as client:
        embedded = await client.post(f"{vendor.base_url}/embeddings", json={"model": "m", "input": "one"})
        listed = await client.get(f"{vendor.base_url}/models")

    assert (embedded.status_code, len(embedded.json()["data"]), listed.status_code) == (200, 1, 200)
