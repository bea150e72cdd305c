from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from app_under_test import client_of
from backboard_server.models import shown
from tenants import Tenant
from waiting import wait_until

PAGES = (
    "/models",
    "/models/provider/openai",
    "/models/embedding/all",
    "/models/image/all",
    "/models/video/all",
)


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    response = await client.get(path, params=params or None)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


async def test_models_come_a_hundred_at_a_time_with_their_total(client: httpx.AsyncClient) -> None:
    listed = await get(client, "/models")

    assert listed.keys() == {"models", "total"}
    assert len(listed["models"]) == 100
    assert listed["total"] > 5_000
    assert all(row.keys() == set(shown.ShownModel.__struct_fields__) for row in listed["models"])


async def test_one_request_may_ask_for_all_of_them(client: httpx.AsyncClient) -> None:
    listed = await get(client, "/models", limit=15_000)

    assert len(listed["models"]) == listed["total"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_a_part_of_the_whole(client: httpx.AsyncClient, path: str) -> None:
    whole = await get(client, path, limit=15_000)
    page = await get(client, path, skip=2, limit=3)

    assert page == {"models": whole["models"][2:5], "total": whole["total"]}
    assert (await get(client, path, skip=100_000))["models"] == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 15_001}, {"limit": "all"}, {"skip": -1}, {"skip": 10**30}]
)
async def test_bounds_of_pages_are_kept(client: httpx.AsyncClient, path: str, params: dict[str, Any]) -> None:
    assert (await client.get(path, params=params)).status_code == 422


@pytest.mark.parametrize(
    ("params", "field", "values"),
    [
        ({"model_type": "stt"}, "model_type", {"stt"}),
        ({"model_type": "TTS"}, "model_type", {"tts"}),
        ({"provider": "gemini", "model_type": "llm"}, "provider", {"google"}),
        ({"provider": "ElevenLabs"}, "provider", {"elevenlabs"}),
        ({"supports_tools": "true"}, "supports_tools", {True}),
        ({"supports_tools": "false", "provider": "openai"}, "supports_tools", {False, None}),
    ],
)
async def test_filters_keep_what_they_say(
    client: httpx.AsyncClient, params: dict[str, str], field: str, values: set[object]
) -> None:
    listed = await get(client, "/models", limit=500, **params)

    assert {row[field] for row in listed["models"]} == values


async def test_contexts_are_filtered_from_both_sides(client: httpx.AsyncClient) -> None:
    listed = await get(client, "/models", min_context=100_000, max_context=128_000, limit=15_000)

    assert listed["total"] > 100
    assert all(100_000 <= row["context_limit"] <= 128_000 for row in listed["models"])


@pytest.mark.parametrize(
    "path",
    ["/models/gpt-4o", "/models/embedding/all", "/models/video/all", "/models/thinking-metadata?model=gpt-5"],
)
@pytest.mark.parametrize("provider", ["", "x" * 301])
async def test_a_provider_is_never_more_than_a_name(
    client: httpx.AsyncClient, path: str, provider: str
) -> None:
    response = await client.get(f"{path}{'&' if '?' in path else '?'}provider={provider}")

    assert response.status_code == (422 if provider else 200)


async def test_empty_filters_ask_nothing(client: httpx.AsyncClient) -> None:
    """Some clients send every field of their form."""
    asked = {"model_type": "", "provider": " ", "supports_tools": "", "min_context": "", "max_context": ""}

    assert await get(client, "/models", **asked) == await get(client, "/models")


@pytest.mark.parametrize(
    "path", ["/models?provider=nobody", "/models/provider/nobody", "/models/video/all?provider=x"]
)
async def test_of_a_provider_that_nobody_knows_there_is_nothing(client: httpx.AsyncClient, path: str) -> None:
    assert await get(client, path) == {"models": [], "total": 0}


@pytest.mark.parametrize(
    "params",
    [{"model_type": "poem"}, {"supports_tools": "maybe"}, {"min_context": "-1"}, {"max_context": "x"}],
)
async def test_a_filter_that_cannot_be_is_named(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    response = await client.get("/models", params=params)

    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", *params]


async def test_providers_are_listed_for_each_kind(client: httpx.AsyncClient) -> None:
    for path in ("/models/providers", "/models/embedding/providers", "/models/image/providers"):
        listed = await get(client, path)
        assert listed["total"] == len(listed["providers"]) == len(set(listed["providers"]))
        assert "openai" in listed["providers"]

    everyone = (await get(client, "/models/providers"))["providers"]
    assert len(everyone) > 100
    assert {
        "openai", "anthropic", "google", "xai", "cohere", "cerebras", "openrouter", "amazon-bedrock",
        "featherless", "elevenlabs", "typesafe",
    } <= set(everyone)  # fmt: skip


async def test_what_can_be_called_now_says_so(client: httpx.AsyncClient) -> None:
    """The server of the tests has a key for OpenAI alone."""
    listed = (await get(client, "/models", limit=15_000))["models"]

    assert {row["provider"] for row in listed if row["is_usable"]} == {"openai", "local"}


async def test_a_key_of_the_tenants_own_makes_a_provider_usable_for_it_alone(
    app: FastAPI, client: httpx.AsyncClient, other_tenant: Tenant
) -> None:
    await client.put("/provider-keys/groq", json={"api_key": "gsk_of_this_tenant"})

    async def is_usable() -> bool:
        listed = await get(client, "/models/provider/groq")
        return {row["is_usable"] for row in listed["models"]} == {True}

    await wait_until(is_usable)  # who calls is remembered for a moment
    async with client_of(app, other_tenant) as other:
        theirs = await get(other, "/models/provider/groq")
    assert {row["is_usable"] for row in theirs["models"]} == {False}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/models/gpt-4o", ("openai", "gpt-4o")),
        ("/models/GPT-4O", ("openai", "gpt-4o")),
        ("/models/openai/gpt-4o", ("openai", "gpt-4o")),
        ("/models/openai%2Fgpt-4o", ("openai", "gpt-4o")),
        ("/models/openai/gpt-4o?provider=openrouter", ("openrouter", "openai/gpt-4o")),
        ("/models/gpt-4o?provider=azure-openai", ("azure", "gpt-4o")),
        ("/models/typesafe/jev-1.13", ("openrouter", "typesafe/jev-1.13")),
        ("/models/google/veo-3.1?provider=openrouter", ("openrouter", "google/veo-3.1")),
        ("/models/embedding/text-embedding-3-small", ("openai", "text-embedding-3-small")),
        ("/models/embedding/Qwen/Qwen3-Embedding-8B?provider=nebius", ("nebius", "Qwen/Qwen3-Embedding-8B")),
        ("/models/image/gpt-image-1", ("openai", "gpt-image-1")),
        (
            "/models/image/google/gemini-3.1-flash-image-preview?provider=openrouter",
            ("openrouter", "google/gemini-3.1-flash-image-preview"),
        ),
    ],
)
async def test_a_model_is_found_by_its_name(
    client: httpx.AsyncClient, path: str, expected: tuple[str, str]
) -> None:
    model = await get(client, path)

    assert (model["provider"], model["name"]) == expected


async def test_a_video_model_is_found_by_its_id(client: httpx.AsyncClient) -> None:
    model = await get(client, "/models/video/google/veo-3.1?provider=openrouter")

    assert (model["id"], model["name"]) == ("google/veo-3.1", "Google: Veo 3.1")
    assert model.keys() == set(shown.ShownVideoModel.__struct_fields__)


@pytest.mark.parametrize("path", ["", "/embedding", "/image", "/video"])
async def test_an_unknown_name_is_answered_with_the_closest(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(f"/models{path}/openai-text-image-sora-nonesuch-2")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
    assert "The closest are " in response.json()["detail"]


@pytest.mark.parametrize(
    "name", ["%00", "..%2F..%2Fetc%2Fpasswd", "%F0%9F%94%91", "'; DROP TABLE models; --", "x" * 300]
)
async def test_odd_names_are_just_unknown(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/models/{name}")).status_code == 404


async def test_a_name_longer_than_any_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/models/{'x' * 301}")).status_code == 422


async def test_embedding_alone_is_the_list_of_embedding_models(client: httpx.AsyncClient) -> None:
    asked = {"provider": "openai", "min_dimensions": 2_000, "limit": 5}

    short = await get(client, "/models/embedding", **asked)

    assert short == await get(client, "/models/embedding/all", **asked)
    assert [row["name"] for row in short["models"]] == ["text-embedding-3-large"]
    refused = await client.get("/models/embedding", params={"limit": 0})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["query", "limit"]


async def test_every_listed_embedding_model_has_its_dimensions(client: httpx.AsyncClient) -> None:
    listed = (await get(client, "/models/embedding/all", limit=15_000))["models"]

    assert all(row["embedding_dimensions"] > 0 for row in listed)
    assert len(listed) > 80


async def test_images_are_filtered_by_whether_they_can_be_edited(client: httpx.AsyncClient) -> None:
    able = await get(client, "/models/image/all", supports_vision="true", limit=500)
    all_of_them = await get(client, "/models/image/all", limit=500)

    assert {row["supports_vision"] for row in able["models"]} == {True}
    assert {row["model_type"] for row in all_of_them["models"]} == {"image"}
    assert 0 < able["total"] < all_of_them["total"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            {"provider": "openai", "model": "gpt-5"},
            ("openai", True, ["effort", "budget_tokens", "max_tokens", "exclude_reasoning"], False),
        ),
        ({"provider": "openai", "model": "gpt-4o"}, ("openai", False, list[str](), False)),
        ({"provider": "Mistral", "model": "magistral-medium-latest"}, ("mistral", True, list[str](), True)),
        (
            {"model": "openrouter/anthropic/claude-sonnet-4.5"},
            ("openrouter", True, ["effort", "budget_tokens", "max_tokens", "exclude_reasoning"], False),
        ),
    ],
)
async def test_thinking_metadata_is_what_the_wires_do(
    client: httpx.AsyncClient, params: dict[str, str], expected: tuple[object, ...]
) -> None:
    told = await get(client, "/models/thinking-metadata", **params)

    controls = told["thinking_controls"]
    assert told.keys() == {
        "provider", "model", "max_output_tokens", "supports_thinking", "thinking_controls",
    }  # fmt: skip
    assert (
        told["provider"], controls["supported"], controls["allowed_fields"], controls["defaults_only"],
    ) == expected  # fmt: skip
    assert told["supports_thinking"] is expected[1]


async def test_thinking_metadata_needs_a_model_that_is_known(client: httpx.AsyncClient) -> None:
    assert (await client.get("/models/thinking-metadata")).status_code == 422
    unknown = await client.get("/models/thinking-metadata", params={"model": "gpt-5-nonesuch"})
    assert unknown.status_code == 404
    assert "gpt-5" in unknown.json()["detail"]


def test_what_is_sent_is_what_is_described(app: FastAPI) -> None:
    """Rows are not validated on their way out: the description is made of the very types that are encoded."""
    schemas = app.openapi()["components"]["schemas"]

    for name, struct in {
        "Model": shown.ShownModel,
        "EmbeddingModel": shown.ShownEmbeddingModel,
        "VideoModel": shown.ShownVideoModel,
        "ThinkingMetadata": shown.ThinkingMetadata,
    }.items():
        assert schemas[name]["properties"].keys() == set(struct.__struct_fields__)
        required = {field.name for field in msgspec.structs.fields(struct) if field.required}
        assert set(schemas[name]["required"]) == required
        assert schemas[name]["description"]


async def test_a_whole_list_is_sound_json_without_gaps(client: httpx.AsyncClient) -> None:
    """Long lists are put together of several pieces."""
    text = (await client.get("/models", params={"limit": 15_000})).text

    rows = json.loads(text)["models"]
    keys = [(row["provider"], row["name"]) for row in rows]
    assert len(keys) == len(set(keys))
