"""The embedder over OpenAI's protocol, against a vendor at the wire: what it sends, and how failures read."""

from __future__ import annotations

import asyncio
import base64
import math
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.keys import Secret
from backboard_server.domain.ports import Embedder
from backboard_server.providers import EgressTimeouts
from backboard_server.providers.embeddings import OpenAIEmbedder
from backboard_server.providers.embeddings.openai import (
    INPUT_TOKENS_MAX,
    INPUTS_MAX,
    TEXT_CHARACTERS_MAX,
    EmbeddingModel,
)
from backboard_server.providers.table import find_row
from fake_vendor import Answer, Change, FakeVendor, Fault, Status, Tokens
from fake_vendor.description import ABSENT, is_available, problems
from fake_vendor.dialects.openai_embeddings import OpenAIEmbeddings, vector_of
from fake_vendor.script import AnyFault
from vector_numbers import cosine, numbers_of

KEY = "sk-a-key-that-must-not-be-seen"
DIMENSIONS = 64
NOT_NUMBERS = base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *[math.nan] * DIMENSIONS)).decode()
TIMEOUTS = EgressTimeouts(whole_answer_seconds=0.5, between_chunks_seconds=0.5)


@pytest.fixture
async def vendor() -> AsyncGenerator[FakeVendor]:
    async with FakeVendor(dialects=(OpenAIEmbeddings(),)) as vendor:
        yield vendor


def _open(vendor: FakeVendor) -> aclosing[OpenAIEmbedder]:
    environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": vendor.base_url}
    row = find_row("openai")
    assert row is not None
    model = EmbeddingModel("text-embedding-3-small", DIMENSIONS)
    return aclosing(OpenAIEmbedder(environment, row, model, TIMEOUTS, retry_base_seconds=0.001))


@pytest.fixture
async def embedder(vendor: FakeVendor) -> AsyncGenerator[OpenAIEmbedder]:
    async with _open(vendor) as embedder:
        yield embedder


async def _failure(embedder: OpenAIEmbedder) -> Upstream:
    with pytest.raises(Upstream) as raised:
        await embedder.embed(["one"])
    return raised.value


async def test_each_text_has_its_vector_and_the_usage_is_told(embedder: OpenAIEmbedder) -> None:
    port: Embedder = embedder

    embeddings = await port.embed(["I like coffee", "trains late"])

    assert numbers_of(embeddings.vectors[0]) == pytest.approx(
        vector_of("I like coffee", DIMENSIONS), abs=1e-6
    )
    assert numbers_of(embeddings.vectors[1]) == pytest.approx(vector_of("trains late", DIMENSIONS), abs=1e-6)
    assert embeddings.input_tokens == 5
    assert (port.identity, port.dimensions) == (f"openai/text-embedding-3-small/{DIMENSIONS}", DIMENSIONS)


async def test_the_request_is_small_on_the_wire_and_shows_the_key(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    await embedder.embed(["one"])

    assert vendor.requests[0].body == {
        "model": "text-embedding-3-small",
        "input": ["one"],
        "encoding_format": "base64",
        "dimensions": DIMENSIONS,
    }
    assert vendor.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.skipif(not is_available(), reason=ABSENT)
async def test_the_request_is_what_openai_describes(vendor: FakeVendor, embedder: OpenAIEmbedder) -> None:
    await embedder.embed(["one", ""])

    assert problems("CreateEmbeddingRequest", vendor.requests[0].body) == []


async def test_the_tenants_own_key_goes_before_the_servers(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    await embedder.embed(["one"], keys={"openai": Secret("sk-of-the-tenant")})

    assert vendor.requests[0].headers["authorization"] == "Bearer sk-of-the-tenant"


async def test_no_text_is_no_request(vendor: FakeVendor, embedder: OpenAIEmbedder) -> None:
    assert (await embedder.embed([])).vectors == ()
    assert not vendor.requests


async def test_many_texts_go_in_batches_and_come_back_in_order(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    texts = [f"text number {number}" for number in range(INPUTS_MAX + 5)]

    embeddings = await embedder.embed(texts)

    assert [len(request.body["input"]) for request in vendor.requests] == [INPUTS_MAX, 5]
    assert embeddings.input_tokens == 3 * len(texts)
    for text, vector in zip(texts, embeddings.vectors, strict=True):
        assert numbers_of(vector) == pytest.approx(vector_of(text, DIMENSIONS), abs=1e-6)


async def test_long_texts_are_cut_and_shared_out_by_their_tokens(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    await embedder.embed(["x" * TEXT_CHARACTERS_MAX * 2] * 4)

    sent = [request.body["input"] for request in vendor.requests]
    assert {len(text) for batch in sent for text in batch} == {TEXT_CHARACTERS_MAX}
    assert all(sum(map(len, batch)) <= INPUT_TOKENS_MAX * 4 for batch in sent)
    assert sum(map(len, sent)) == 4


async def test_empty_texts_and_half_characters_are_no_reason_to_be_refused(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    embeddings = await embedder.embed(["", "\ud83d"])

    assert vendor.requests[0].body["input"] == [" ", "?"]
    assert len(embeddings.vectors) == 2


async def test_lists_are_read_where_the_host_does_not_heed_base64() -> None:
    host = OpenAIEmbeddings(heeds=("dimensions",))
    async with FakeVendor(dialects=(host,)) as vendor, _open(vendor) as embedder:
        embeddings = await embedder.embed(["I like coffee"])

    assert cosine(*embeddings.vectors * 2) == pytest.approx(1)


@pytest.mark.parametrize(("takes", "forms"), [(("dimensions",), 2), ((), 3)])
async def test_a_host_that_refuses_an_option_is_asked_without_it_from_then_on(
    takes: tuple[str, ...], forms: int
) -> None:
    host = OpenAIEmbeddings(dimensions=DIMENSIONS, takes=takes)
    async with FakeVendor(dialects=(host,)) as vendor, _open(vendor) as embedder:
        await embedder.embed(["one"])
        await embedder.embed(["two"])

        assert len(vendor.requests) == forms + 1
        assert set(vendor.requests[-1].body) == {"model", "input", *takes}


async def test_texts_that_are_too_long_for_the_model_are_halved_until_they_fit() -> None:
    host = OpenAIEmbeddings(words_max=300)
    async with FakeVendor(dialects=(host,)) as vendor, _open(vendor) as embedder:
        long = "word " * 1_000
        embeddings = await embedder.embed(["short", long])

    assert numbers_of(embeddings.vectors[0]) == pytest.approx(vector_of("short", DIMENSIONS), abs=1e-6)
    assert numbers_of(embeddings.vectors[1]) == pytest.approx(vector_of("word", DIMENSIONS), abs=1e-6)


async def test_a_text_that_stays_too_long_however_short_is_a_failure_of_the_provider(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    vendor.script(Answer(fault=Fault.CONTEXT_LENGTH))

    with pytest.raises(Upstream) as raised:
        await embedder.embed(["x" * 4_000])

    assert raised.value.kind == "context_length"


@pytest.mark.parametrize(
    "fault",
    [
        Fault.SERVER_ERROR,
        Fault.SILENCE,
        Fault.CLOSED_WITHOUT_ANSWER,
        Fault.TRUNCATED_RESET,
        Fault.RATE_LIMITED_ZERO,
        Fault.RATE_LIMITED_MILLISECONDS,
        Fault.HTML,
    ],
)
async def test_failures_that_pass_are_tried_again(
    vendor: FakeVendor, embedder: OpenAIEmbedder, fault: AnyFault
) -> None:
    vendor.script(Answer(fault=fault), Answer())

    assert len((await embedder.embed(["one"])).vectors) == 1


async def test_a_web_page_is_called_one(vendor: FakeVendor, embedder: OpenAIEmbedder) -> None:
    vendor.script(Answer(fault=Fault.HTML))

    failure = await _failure(embedder)

    assert failure.kind == "malformed"
    assert "a web page instead of an answer" in failure.message


async def test_a_wait_that_is_asked_for_is_kept(vendor: FakeVendor, embedder: OpenAIEmbedder) -> None:
    vendor.script(Answer(fault=Fault.RATE_LIMITED_MILLISECONDS), Answer())
    started = asyncio.get_running_loop().time()

    await embedder.embed(["one"])

    assert asyncio.get_running_loop().time() - started >= 1.5


@pytest.mark.parametrize(
    ("fault", "kind", "requests"),
    [
        (Fault.SERVER_ERROR, "failed", 3),
        (Fault.RATE_LIMITED_HOUR, "rate_limited", 1),
        (Fault.RATE_LIMITED, "rate_limited", 1),
        (Fault.UNAUTHORIZED, "rejected_key", 1),
        (Fault.MODEL_MISSING, "model_missing", 1),
        (Status(status=429, kind="quota"), "spend_limit", 1),
    ],
)
async def test_what_no_retry_helps_is_told_at_once_and_the_rest_after_three_attempts(
    vendor: FakeVendor, embedder: OpenAIEmbedder, fault: AnyFault, kind: str, requests: int
) -> None:
    vendor.script(Answer(fault=fault))

    failure = await _failure(embedder)

    assert (failure.kind, failure.provider, len(vendor.requests)) == (kind, "openai", requests)
    assert KEY not in failure.message


def _replaced(change: Callable[[dict[str, Any]], object]) -> Change:
    item = {"object": "embedding", "index": 0, "embedding": [1.0] + [0.0] * (DIMENSIONS - 1)}
    change(item)
    return Change(how="replace", payload={"object": "list", "model": "m", "data": [item]})


@pytest.mark.parametrize(
    "fault",
    [
        Fault.EMPTY_CHOICES,
        Fault.NULL_CONTENT,
        Change(how="replace", payload={"object": "list"}),
        _replaced(lambda item: item.update(index=1)),
        _replaced(lambda item: item.update(embedding=[0.0] * DIMENSIONS)),
        _replaced(lambda item: item.update(embedding=[1e39] * DIMENSIONS)),
        _replaced(lambda item: item.update(embedding=NOT_NUMBERS)),
        _replaced(lambda item: item.update(embedding="AA==")),
    ],
)
async def test_an_answer_without_a_vector_for_each_text_is_malformed(
    vendor: FakeVendor, embedder: OpenAIEmbedder, fault: AnyFault
) -> None:
    vendor.script(Answer(fault=fault))

    assert (await _failure(embedder)).kind == "malformed"


async def test_vectors_are_brought_to_length_one(vendor: FakeVendor, embedder: OpenAIEmbedder) -> None:
    vendor.script(Answer(fault=_replaced(lambda item: item.update(embedding=[2.0] * DIMENSIONS))))

    (vector,) = (await embedder.embed(["one"])).vectors

    assert math.hypot(*numbers_of(vector)) == pytest.approx(1)


async def test_vectors_go_by_their_index_and_not_by_their_place(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    units = [[float(number == place) for number in range(DIMENSIONS)] for place in range(2)]
    data = [{"index": 1, "embedding": units[1]}, {"index": 0, "embedding": units[0]}]
    vendor.script(Answer(fault=Change(how="replace", payload={"data": data})))

    vectors = (await embedder.embed(["one", "two"])).vectors

    assert [list(numbers_of(vector)) for vector in vectors] == units


async def test_the_failure_inside_an_answer_with_status_200_is_read(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    error = {"error": {"message": "This model's maximum context length is 512 tokens.", "code": 400}}
    vendor.script(Answer(fault=Change(how="replace", payload=error)))

    assert (await _failure(embedder)).kind == "context_length"


async def test_counts_are_none_where_the_host_gives_none(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    vendor.script(Answer(fault=Fault.USAGE_MISSING), Answer(usage=Tokens(-1)), Answer(usage=Tokens(12)))

    assert [(await embedder.embed(["one"])).input_tokens for _ in range(3)] == [0, 0, 12]


async def test_other_dimensions_than_configured_are_a_mistake_of_the_configuration() -> None:
    host = OpenAIEmbeddings(dimensions=32, heeds=())
    async with FakeVendor(dialects=(host,)) as vendor, _open(vendor) as embedder:
        with pytest.raises(Invalid, match=r"have 32 dimensions and not 64: configure the embedder with 32"):
            await embedder.embed(["one"])

        assert len(vendor.requests) == 1


async def test_a_host_that_always_fails_is_left_alone_for_a_while(
    vendor: FakeVendor, embedder: OpenAIEmbedder
) -> None:
    vendor.script(Answer(fault=Fault.SERVER_ERROR))
    kinds = [(await _failure(embedder)).kind for _ in range(4)]

    assert kinds == ["failed", "failed", "failed", "circuit_open"]
    assert len(vendor.requests) == 10


async def test_without_a_key_the_message_names_the_variable(vendor: FakeVendor) -> None:
    row = find_row("openai")
    assert row is not None
    embedder = OpenAIEmbedder({"OPENAI_BASE_URL": vendor.base_url}, row, EmbeddingModel("m", 4))

    with pytest.raises(Invalid, match="OPENAI_API_KEY"):
        await embedder.embed(["one"])
