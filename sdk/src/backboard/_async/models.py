"""The methods of the catalogue of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backboard._answers import parse
from backboard._requests import Request, given, path
from backboard.models.catalogue import (
    EmbeddingModel,
    EmbeddingModelsListResponse,
    ImageModel,
    ImageModelsListResponse,
    Model,
    ModelsListResponse,
    ProvidersListResponse,
    ThinkingMetadata,
    VideoModel,
    VideoModelsListResponse,
)

if TYPE_CHECKING:
    from backboard._options import Timeout

    from .transport import Transport


class ModelMethods:
    """Find out what there is to call, what it can do and what it costs.

    Names are matched in any case and may begin with their provider, as in `openai/gpt-4o`; where several
    providers have one, the server takes one that can be called now, then the maker's own.
    """

    _transport: Transport

    async def list_models(
        self,
        model_type: str | None = None,
        provider: str | None = None,
        supports_tools: bool | None = None,
        min_context: int | None = None,
        max_context: int | None = None,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: Timeout = None,
    ) -> ModelsListResponse:
        """Return a page of models; `limit` goes up to 15,000, which is all of them.

        `model_type` is `llm`, `embedding`, `image`, `video`, `stt`, `tts`, `realtime` or `system_one`.
        """
        query = given(
            model_type=model_type,
            provider=provider,
            supports_tools=supports_tools,
            min_context=min_context,
            max_context=max_context,
            skip=skip,
            limit=limit,
        )
        request = Request("GET", "/models", query=query)
        return parse(ModelsListResponse, await self._transport.fetch(request, timeout))

    async def get_model(
        self, model_name: str, provider: str | None = None, *, timeout: Timeout = None
    ) -> Model:
        """Return a model of any type. Raises BackboardNotFoundError, which names the closest."""
        request = Request("GET", _named("models", model_name), query=given(provider=provider))
        return parse(Model, await self._transport.fetch(request, timeout))

    async def list_models_by_provider(
        self, provider_name: str, skip: int = 0, limit: int = 100, *, timeout: Timeout = None
    ) -> ModelsListResponse:
        """Return a page of one provider's models."""
        request = Request(
            "GET", path("models", "provider", provider_name), query={"skip": skip, "limit": limit}
        )
        return parse(ModelsListResponse, await self._transport.fetch(request, timeout))

    async def list_providers(self, *, timeout: Timeout = None) -> ProvidersListResponse:
        """Return every provider that has a model."""
        request = Request("GET", "/models/providers")
        return parse(ProvidersListResponse, await self._transport.fetch(request, timeout))

    async def get_thinking_metadata(
        self, model: str, provider: str | None = None, *, timeout: Timeout = None
    ) -> ThinkingMetadata:
        """Return which fields of `thinking` reach a model."""
        query = given(model=model, provider=provider)
        request = Request("GET", "/models/thinking-metadata", query=query)
        return parse(ThinkingMetadata, await self._transport.fetch(request, timeout))

    async def list_embedding_models(
        self,
        provider: str | None = None,
        min_dimensions: int | None = None,
        max_dimensions: int | None = None,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: Timeout = None,
    ) -> EmbeddingModelsListResponse:
        """Return a page of embedding models."""
        query = given(
            provider=provider,
            min_dimensions=min_dimensions,
            max_dimensions=max_dimensions,
            skip=skip,
            limit=limit,
        )
        request = Request("GET", "/models/embedding/all", query=query)
        return parse(EmbeddingModelsListResponse, await self._transport.fetch(request, timeout))

    async def list_embedding_providers(self, *, timeout: Timeout = None) -> ProvidersListResponse:
        """Return every provider that has an embedding model."""
        request = Request("GET", "/models/embedding/providers")
        return parse(ProvidersListResponse, await self._transport.fetch(request, timeout))

    async def get_embedding_model(
        self, model_name: str, provider: str | None = None, *, timeout: Timeout = None
    ) -> EmbeddingModel:
        """Return an embedding model. Raises BackboardNotFoundError."""
        request = Request("GET", _named("models/embedding", model_name), query=given(provider=provider))
        return parse(EmbeddingModel, await self._transport.fetch(request, timeout))

    async def list_image_models(
        self,
        provider: str | None = None,
        supports_vision: bool | None = None,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: Timeout = None,
    ) -> ImageModelsListResponse:
        """Return a page of models that make images; with `supports_vision` they can edit them too."""
        query = given(provider=provider, supports_vision=supports_vision, skip=skip, limit=limit)
        request = Request("GET", "/models/image/all", query=query)
        return parse(ImageModelsListResponse, await self._transport.fetch(request, timeout))

    async def list_image_providers(self, *, timeout: Timeout = None) -> ProvidersListResponse:
        """Return every provider that has a model that makes images."""
        request = Request("GET", "/models/image/providers")
        return parse(ProvidersListResponse, await self._transport.fetch(request, timeout))

    async def get_image_model(
        self, model_name: str, provider: str | None = None, *, timeout: Timeout = None
    ) -> ImageModel:
        """Return a model that makes images. Raises BackboardNotFoundError."""
        request = Request("GET", _named("models/image", model_name), query=given(provider=provider))
        return parse(ImageModel, await self._transport.fetch(request, timeout))

    async def list_video_models(
        self, provider: str | None = None, skip: int = 0, limit: int = 100, *, timeout: Timeout = None
    ) -> VideoModelsListResponse:
        """Return a page of models that make videos."""
        query = given(provider=provider, skip=skip, limit=limit)
        request = Request("GET", "/models/video/all", query=query)
        return parse(VideoModelsListResponse, await self._transport.fetch(request, timeout))

    async def get_video_model(
        self, model_name: str, provider: str | None = None, *, timeout: Timeout = None
    ) -> VideoModel:
        """Return a model that makes videos, with what can be asked of it. Raises BackboardNotFoundError."""
        request = Request("GET", _named("models/video", model_name), query=given(provider=provider))
        return parse(VideoModel, await self._transport.fetch(request, timeout))


def _named(folder: str, model_name: str) -> str:
    """Return the path of a model: the slashes of its name stay, as proxies trip over escaped ones."""
    return path(*folder.split("/"), *model_name.split("/"))
