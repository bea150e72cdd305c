from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from backboard import BackboardClient, BackboardNotFoundError

from .scripted_server import ScriptedServer, json_answer

MODEL: dict[str, Any] = {
    "name": "gpt-4o",
    "provider": "openai",
    "model_type": "llm",
    "context_limit": 128000,
    "supports_tools": True,
    "input_cost_per_1m_tokens": 2.5,
    "thinking_controls": {"supported": False, "allowed_fields": [], "defaults_only": False},
    "is_usable": True,
    "last_updated": "2026-11-23T00:00:00Z",
    "a_field_of_tomorrow": 1,
}
PAGE = {"models": [MODEL], "total": 5327}


async def test_models_are_listed_with_every_filter(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer(PAGE))

    listed = await client.list_models(
        model_type="llm",
        provider="openai",
        supports_tools=True,
        min_context=1000,
        max_context=200000,
        skip=10,
        limit=20,
    )

    assert (server.last_request.method, server.last_request.path) == ("GET", "/api/models")
    assert server.last_request.query == {
        "model_type": "llm",
        "provider": "openai",
        "supports_tools": "true",
        "min_context": "1000",
        "max_context": "200000",
        "skip": "10",
        "limit": "20",
    }
    (model,) = listed.models
    assert (listed.total, model.name, model.input_cost_per_1m_tokens) == (5327, "gpt-4o", 2.5)
    assert model.last_updated == datetime(2026, 11, 23, tzinfo=timezone.utc)
    assert model.thinking_controls is not None
    assert not model.thinking_controls.supported
    assert model.model_dump()["a_field_of_tomorrow"] == 1


async def test_without_filters_only_the_page_is_asked_for(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(PAGE), json_answer(PAGE))

    await client.list_models()
    await client.list_models_by_provider("aws-bedrock", limit=5)

    assert [(request.path, request.query) for request in server.requests] == [
        ("/api/models", {"skip": "0", "limit": "100"}),
        ("/api/models/provider/aws-bedrock", {"skip": "0", "limit": "5"}),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get_model", "/api/models/google/gemini%20x"),
        ("get_image_model", "/api/models/image/google/gemini%20x"),
    ],
)
async def test_the_slashes_of_a_name_stay(
    client: BackboardClient, server: ScriptedServer, method: str, path: str
) -> None:
    server.script(json_answer(MODEL))

    model = await getattr(client, method)("google/gemini x", provider="openrouter")

    assert (server.last_request.path, server.last_request.query) == (path, {"provider": "openrouter"})
    assert model.provider == "openai"


async def test_embedding_and_video_models_have_records_of_their_own(
    client: BackboardClient, server: ScriptedServer
) -> None:
    embedding = {"name": "e", "provider": "openai", "embedding_dimensions": 3072, "context_limit": 8191}
    video: dict[str, Any] = {
        "id": "google/veo-3.1",
        "name": "Veo 3.1",
        "supported_durations": [4, 6, 8],
        "pricing_skus": {},
    }
    server.script(
        json_answer({"models": [embedding], "total": 1}),
        json_answer(embedding),
        json_answer({"models": [video], "total": 1}),
        json_answer(video),
        json_answer(PAGE),
    )

    embeddings = await client.list_embedding_models(min_dimensions=1024, max_dimensions=3072)
    one = await client.get_embedding_model("e")
    videos = await client.list_video_models(provider="openrouter")
    veo = await client.get_video_model("google/veo-3.1")
    images = await client.list_image_models(supports_vision=True)

    assert embeddings.models == [one]
    assert videos.models == [veo]
    assert (one.embedding_dimensions, veo.supported_durations) == (3072, [4, 6, 8])
    assert images.models[0].name == "gpt-4o"
    assert [(request.path, request.query) for request in server.requests] == [
        (
            "/api/models/embedding/all",
            {"min_dimensions": "1024", "max_dimensions": "3072", "skip": "0", "limit": "100"},
        ),
        ("/api/models/embedding/e", {}),
        ("/api/models/video/all", {"provider": "openrouter", "skip": "0", "limit": "100"}),
        ("/api/models/video/google/veo-3.1", {}),
        ("/api/models/image/all", {"supports_vision": "true", "skip": "0", "limit": "100"}),
    ]


async def test_providers_are_listed_for_each_kind(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(*[json_answer({"providers": ["openai"], "total": 1})] * 3)

    listed = [
        await client.list_providers(),
        await client.list_embedding_providers(),
        await client.list_image_providers(),
    ]

    assert [(found.providers, found.total) for found in listed] == [(["openai"], 1)] * 3
    assert [request.path for request in server.requests] == [
        "/api/models/providers",
        "/api/models/embedding/providers",
        "/api/models/image/providers",
    ]


async def test_thinking_metadata_tells_what_reaches_a_model(
    client: BackboardClient, server: ScriptedServer
) -> None:
    controls = {"supported": True, "allowed_fields": ["effort"], "defaults_only": False}
    server.script(json_answer({"provider": "openai", "model": "gpt-5", "thinking_controls": controls}))

    told = await client.get_thinking_metadata("gpt-5", provider="openai")

    assert server.last_request.path == "/api/models/thinking-metadata"
    assert server.last_request.query == {"model": "gpt-5", "provider": "openai"}
    assert told.thinking_controls.allowed_fields == ["effort"]


async def test_an_unknown_model_raises_with_the_closest_names(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"detail": "The closest are gpt-4o.", "code": "not_found"}, 404))

    with pytest.raises(BackboardNotFoundError, match="gpt-4o"):
        await client.get_model("gpt-4oo")
