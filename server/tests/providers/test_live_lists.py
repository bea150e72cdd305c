from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from typing import Any

import pytest
from msgspec import structs

from backboard_server.domain.models import Model, Price
from backboard_server.providers import _live_lists as live_lists
from backboard_server.providers._failures import Failure
from backboard_server.providers._hosts import resolve
from backboard_server.providers._http import Egress, EgressTimeouts
from backboard_server.providers.table import find_row
from fake_vendor import FakeVendor
from listing_server import ListingServer

TODAY = date(2026, 11, 23)
KEY = "sk-secret"

OPENROUTER: dict[str, Any] = {
    "/models?output_modalities=all": {
        "data": [
            {
                "id": "maker/model",
                "name": "Maker: Model",
                "context_length": 200_000,
                "architecture": {"input_modalities": ["text", "file"], "output_modalities": ["text"]},
                "pricing": {
                    "prompt": "0.000003",
                    "completion": "0.000015",
                    "input_cache_read": "0.0000003",
                    "internal_reasoning": "0",
                },
                "top_provider": {"max_completion_tokens": 64_000},
                "supported_parameters": ["tools", "reasoning"],
            },
            {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
            {"id": "maker/model:free", "pricing": {"prompt": "0", "completion": "0"}},
        ]
    },
    "/videos/models": {
        "data": [
            {
                "id": "google/veo-3.1",
                "name": "Google: Veo 3.1",
                "supported_durations": [4, 6, 8],
                "supported_frame_images": ["first_frame"],
                "pricing_skus": {"per-video-second": "0.50"},
            }
        ]
    },
}


@pytest.fixture
async def egress() -> AsyncGenerator[Egress]:
    egress = Egress(EgressTimeouts())
    yield egress
    await egress.aclose()


@pytest.fixture
async def server() -> AsyncGenerator[ListingServer]:
    async with ListingServer() as server:
        yield server


async def listed(egress: Egress, provider: str, base_url: str) -> dict[str, Model]:
    row = find_row(provider)
    assert row is not None
    host = resolve(row, {row.key_variable: KEY, row.base_url_variable: base_url})
    return {model.name: model for model in await live_lists.fetch(egress, host, TODAY)}


@pytest.mark.parametrize(("provider", "path"), [("openai", "/v1"), ("anthropic", ""), ("google", "")])
async def test_every_kind_of_list_is_read_as_its_vendor_sends_it(
    egress: Egress, provider: str, path: str
) -> None:
    names = tuple(f"model-{number}" for number in range(120))
    async with FakeVendor(models=names) as vendor:
        models = await listed(egress, provider, vendor.root_url + path)

    assert models.keys() == set(names)
    assert {(model.provider, model.model_type) for model in models.values()} == {(provider, "llm")}
    assert {model.last_updated for model in models.values()} == {TODAY}


async def test_pages_are_followed_to_their_end(egress: Egress, server: ListingServer) -> None:
    server.lists = {
        "/v1/models?limit=1000": {"data": [{"id": "claude-a"}], "has_more": True, "last_id": "claude/a"},
        "/v1/models?limit=1000&after_id=claude/a": {
            "data": [{"id": "claude-b", "max_input_tokens": 200_000, "max_tokens": 64_000}],
            "has_more": False,
        },
    }

    models = await listed(egress, "anthropic", server.root_url)

    assert models.keys() == {"claude-a", "claude-b"}
    assert (models["claude-b"].context_limit, models["claude-b"].max_output_tokens) == (200_000, 64_000)
    assert all(headers["x-api-key"] == KEY for _, headers in server.asked)


async def test_pages_without_an_end_are_ended(
    egress: Egress, server: ListingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_lists, "PAGES_MAX", 3)
    endless = {"models": [{"name": "models/gemini-x"}], "nextPageToken": "1"}
    server.lists = {
        "/v1beta/models?pageSize=1000": endless,
        "/v1beta/models?pageSize=1000&pageToken=1": endless,
    }

    assert (await listed(egress, "google", server.root_url)).keys() == {"gemini-x"}
    assert len(server.asked) == 3


async def test_openrouter_tells_of_limits_prices_and_abilities(egress: Egress, server: ListingServer) -> None:
    server.lists = OPENROUTER

    models = await listed(egress, "openrouter", server.root_url)

    assert models["maker/model"] == Model(
        name="maker/model",
        provider="openrouter",
        model_type="llm",
        context_limit=200_000,
        max_output_tokens=64_000,
        display_name="Maker: Model",
        inputs=("text", "pdf"),
        outputs=("text",),
        takes_tools=True,
        may_reason=True,
        has_structured_output=False,
        price=Price(input=3, output=15, cached_input=0.3, source="provider", dated=TODAY),
        details={"supported_parameters": ["tools", "reasoning"]},
        last_updated=TODAY,
    )
    assert models["openrouter/auto"].price is None
    free = models["maker/model:free"].price
    assert free is not None
    assert (free.input, free.output) == (0, 0)
    veo = models["google/veo-3.1"]
    assert (veo.model_type, veo.inputs) == ("video", ("text", "image"))
    assert veo.details["video_capabilities"] == {
        "supported_durations": [4, 6, 8],
        "supported_frame_images": ["first_frame"],
        "pricing_skus": {"per-video-second": "0.50"},
    }


@pytest.mark.parametrize(
    ("entry", "limit"),
    [
        ({"context_window": 131_072}, 131_072),
        ({"max_context_length": 32_768}, 32_768),
        ({"max_model_len": 8_192}, 8_192),
        ({"context_length": -1}, 0),
        ({"context_length": 10**15}, 0),
        ({"context_length": "many"}, 0),
        ({"architecture": "transformer", "name": 7}, 0),
        ({}, 0),
    ],
)
async def test_limits_are_read_by_whatever_name_hosts_have_for_them(
    egress: Egress, server: ListingServer, entry: dict[str, Any], limit: int
) -> None:
    server.lists = {"/models": {"data": [{"id": "some-model"} | entry]}}

    models = await listed(egress, "groq", server.root_url)

    assert models["some-model"].context_limit == limit


async def test_a_bare_array_is_a_list_too_and_kinds_are_told_apart(
    egress: Egress, server: ListingServer
) -> None:
    server.lists = {"/models": [{"id": "llama"}, {"id": "bge-m3"}, {"id": "whisper-1"}, {"id": "a-reranker"}]}

    models = await listed(egress, "togetherai", server.root_url)

    assert {name: model.model_type for name, model in models.items()} == {
        "llama": "llm", "bge-m3": "embedding", "whisper-1": "stt",
    }  # fmt: skip


async def test_names_that_could_not_be_shown_or_stored_are_left_out(
    egress: Egress, server: ListingServer
) -> None:
    names = ["fine", "", "nul\0", "line\nbreak", "x" * 301, "\u202eevil"]
    server.lists = {"/models": {"data": [{"id": name} for name in names]}}

    assert (await listed(egress, "groq", server.root_url)).keys() == {"fine"}


@pytest.mark.parametrize(
    "body", [b"", b"not JSON", b"{}", b'{"data": 7}', b'{"data": [{"name": "no id"}]}', b"[1]", b"null"]
)
async def test_what_is_no_list_fails(egress: Egress, server: ListingServer, body: bytes) -> None:
    server.lists = {"/models": body}

    with pytest.raises(Failure) as raised:
        await listed(egress, "groq", server.root_url)
    assert raised.value.kind == "malformed"


async def test_a_list_without_end_fails(
    egress: Egress, server: ListingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_lists, "MODELS_MAX", 10)
    server.lists = {"/models": {"data": [{"id": f"model-{number}"} for number in range(11)]}}

    with pytest.raises(Failure, match="more than 10 models"):
        await listed(egress, "groq", server.root_url)


async def test_a_host_without_a_list_fails(egress: Egress, server: ListingServer) -> None:
    with pytest.raises(Failure) as raised:
        await listed(egress, "groq", server.root_url)
    assert raised.value.status == 404


async def test_the_key_goes_where_each_vendor_looks_for_it(egress: Egress, server: ListingServer) -> None:
    server.lists = {"/models": {"data": []}, "/v1beta/models?pageSize=1000": {}}
    expected = {"groq": ("authorization", f"Bearer {KEY}"), "azure": ("api-key", KEY)}

    for provider in expected:
        await listed(egress, provider, server.root_url)
    await listed(egress, "google", server.root_url)

    sent = [headers for _, headers in server.asked]
    for headers, (name, value) in zip(sent, [*expected.values(), ("x-goog-api-key", KEY)], strict=True):
        assert headers[name] == value


def test_a_price_needs_both_its_rates() -> None:
    price = live_lists._price  # pyright: ignore[reportPrivateUsage] - the texts that no server sends are many

    assert price({"prompt": "0.000001"}) is None
    assert price({"prompt": "many", "completion": "1"}) is None
    assert price({"prompt": "nan", "completion": "0"}) is None
    assert price({"prompt": "1e9", "completion": "0"}) is None
    whole = price({"prompt": 0.000001, "completion": "0.000002"})
    assert whole is not None
    assert structs.asdict(whole)["output"] == 2
