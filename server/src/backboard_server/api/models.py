"""The catalogue of models over HTTP. Rows are encoded as they are shown, without a second validation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from msgspec import Struct
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, create_model

from backboard_server.domain.models import Model, ModelType
from backboard_server.domain.ports import Catalogue
from backboard_server.models import listing, shown
from backboard_server.models.listing import Filters, find_model, select

from .edge import AdaptersOf, CallerOf, GuardedRoute

router = APIRouter(prefix="/models", tags=["models"], route_class=GuardedRoute)

SKIP_MAX = 100_000
LIMIT_MAX = 15_000
TOKENS_MAX = 1_000_000_000
NAME_CHARACTERS_MAX = 300
ROWS_AT_ONCE = 100  # a few milliseconds of encoding, after which other requests get their turn


def _or_none(value: object) -> object:
    return value.strip() or None if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() or None if isinstance(value, str) else value


# Bounds are those of a value that is there: an empty text stands for none, as some clients send every field.
_Provider = Annotated[
    Annotated[str, Field(max_length=NAME_CHARACTERS_MAX)] | None,
    BeforeValidator(_or_none),
    Field(description="Id or alias, in any case."),
]
_Type = Annotated[ModelType | None, BeforeValidator(_lower)]
_Flag = Annotated[bool | None, BeforeValidator(_or_none)]
_Tokens = Annotated[Annotated[int, Field(ge=0, le=TOKENS_MAX)] | None, BeforeValidator(_or_none)]


class Page(BaseModel):
    """Which part of a list."""

    skip: int = Field(default=0, ge=0, le=SKIP_MAX, description="How many to leave out from the start.")
    limit: int = Field(default=100, ge=1, le=LIMIT_MAX, description="How many to return at most.")


class ModelsQuery(Page):
    """Which models. What is unknown of a model passes for no."""

    model_type: _Type = None
    provider: _Provider = None
    supports_tools: _Flag = None
    min_context: _Tokens = None
    max_context: _Tokens = None


class EmbeddingQuery(Page):
    """Which embedding models."""

    provider: _Provider = None
    min_dimensions: _Tokens = None
    max_dimensions: _Tokens = None


class ImageQuery(Page):
    """Which image models; with `supports_vision` they take images too, and can edit them."""

    provider: _Provider = None
    supports_vision: _Flag = None


class VideoQuery(Page):
    """Which video models."""

    provider: _Provider = None


class ProvidersRead(BaseModel):
    """Providers by id."""

    providers: list[str]
    total: int


def _described(struct: type[Struct], name: str) -> type[BaseModel]:
    """Return a shape of the same fields for OpenAPI: rows themselves are never validated again."""
    fields: dict[str, Any] = {
        field.name: (field.type, ... if field.required else None) for field in msgspec.structs.fields(struct)
    }
    return create_model(name, __doc__=struct.__doc__, **fields)


def _described_page(row: type[BaseModel]) -> type[BaseModel]:
    fields: dict[str, Any] = {"models": (list[row], ...), "total": (int, ...)}
    return create_model(f"{row.__name__}Page", __doc__="One page, and how many there are in all.", **fields)


ModelRead = _described(shown.ShownModel, "Model")
EmbeddingModelRead = _described(shown.ShownEmbeddingModel, "EmbeddingModel")
VideoModelRead = _described(shown.ShownVideoModel, "VideoModel")
ThinkingMetadataRead = _described(shown.ThinkingMetadata, "ThinkingMetadata")
ModelsPage = _described_page(ModelRead)
EmbeddingModelsPage = _described_page(EmbeddingModelRead)
VideoModelsPage = _described_page(VideoModelRead)

Name = Annotated[
    str,
    Path(
        max_length=NAME_CHARACTERS_MAX,
        description="In any case, with its slashes; it may begin with its provider, as in `openai/gpt-4o`.",
    ),
]
OfProvider = Annotated[_Provider, Query(description="Of this provider: id or alias, in any case.")]


class View(Struct, frozen=True):
    """The catalogue, and the providers that this caller can use now."""

    catalogue: Catalogue
    usable: frozenset[str]

    def show(self, model: Model) -> shown.ShownModel:
        """Return a model of any type."""
        return shown.show(model, self.catalogue, self.usable)

    def show_embedding(self, model: Model) -> shown.ShownEmbeddingModel:
        """Return an embedding model."""
        return shown.show_embedding(model, self.usable)

    def show_video(self, model: Model) -> shown.ShownVideoModel:
        """Return a video model."""
        return shown.show_video(model, self.usable)

    def find(self, models: Sequence[Model], name: str, provider: str | None) -> Model:
        """Return the model that a name means. Raises NotFound."""
        return find_model(self.catalogue, models, name, self.usable, provider)

    def embeddings(self, query: EmbeddingQuery | None = None) -> list[Model]:
        """Return the embedding models whose dimensions are known: clients cannot do without."""
        asked = query or EmbeddingQuery()
        filters = Filters(
            model_type="embedding",
            provider=asked.provider,
            min_dimensions=max(asked.min_dimensions or 0, 1),
            max_dimensions=asked.max_dimensions,
        )
        return select(self.catalogue, filters)


async def _view_of(adapters: AdaptersOf, caller: CallerOf) -> View:
    return View(adapters.models.catalogue, adapters.models.usable_providers(caller.provider_keys.keys()))


ViewOf = Annotated[View, Depends(_view_of)]


@router.get("", response_model=ModelsPage)
async def list_models(view: ViewOf, query: Annotated[ModelsQuery, Query()]) -> Response:
    """List models of every type; each says whether it `is_usable` now."""
    filters = Filters(**query.model_dump(exclude={"skip", "limit"}))
    return await _page(select(view.catalogue, filters), query, view.show)


@router.get("/providers")
async def list_providers(view: ViewOf) -> ProvidersRead:
    """List the providers that have a model in the catalogue."""
    return _providers(view.catalogue.models())


@router.get("/provider/{provider_name}", response_model=ModelsPage)
async def list_models_by_provider(
    view: ViewOf, provider_name: Name, page: Annotated[Page, Query()]
) -> Response:
    """List the models of one provider, by its id or an alias."""
    return await _page(select(view.catalogue, Filters(provider=provider_name)), page, view.show)


@router.get("/thinking-metadata", response_model=ThinkingMetadataRead)
async def get_thinking_metadata(
    view: ViewOf,
    model: Annotated[str, Query(min_length=1, max_length=NAME_CHARACTERS_MAX)],
    provider: OfProvider = None,
) -> Response:
    """Tell which fields of `thinking` reach a model, as the requests to its provider are written."""
    found = view.find(select(view.catalogue, Filters(model_type="llm")), model, provider)
    return _one(shown.show_thinking(found, view.catalogue.thinking(found)))


@router.get("/embedding/all", response_model=EmbeddingModelsPage)
async def list_embedding_models(view: ViewOf, query: Annotated[EmbeddingQuery, Query()]) -> Response:
    """List the embedding models whose dimensions are known. `/models/embedding` is the same."""
    return await _page(view.embeddings(query), query, view.show_embedding)


@router.get("/embedding/providers")
async def list_embedding_providers(view: ViewOf) -> ProvidersRead:
    """List the providers of embedding models."""
    return _providers(view.embeddings())


@router.get("/embedding/{embedding_model:path}", response_model=EmbeddingModelRead)
async def get_embedding_model(view: ViewOf, embedding_model: Name, provider: OfProvider = None) -> Response:
    """Return an embedding model."""
    return _one(view.show_embedding(view.find(view.embeddings(), embedding_model, provider)))


@router.get("/image/all", response_model=ModelsPage)
async def list_image_models(view: ViewOf, query: Annotated[ImageQuery, Query()]) -> Response:
    """List the models that make images."""
    filters = Filters(model_type="image", provider=query.provider, supports_vision=query.supports_vision)
    return await _page(select(view.catalogue, filters), query, view.show)


@router.get("/image/providers")
async def list_image_providers(view: ViewOf) -> ProvidersRead:
    """List the providers of models that make images."""
    return _providers(select(view.catalogue, Filters(model_type="image")))


@router.get("/image/{image_model:path}", response_model=ModelRead)
async def get_image_model(view: ViewOf, image_model: Name, provider: OfProvider = None) -> Response:
    """Return a model that makes images."""
    models = select(view.catalogue, Filters(model_type="image"))
    return _one(view.show(view.find(models, image_model, provider)))


@router.get("/video/all", response_model=VideoModelsPage)
async def list_video_models(view: ViewOf, query: Annotated[VideoQuery, Query()]) -> Response:
    """List the models that make videos."""
    models = select(view.catalogue, Filters(model_type="video", provider=query.provider))
    return await _page(models, query, view.show_video)


@router.get("/video/{video_model:path}", response_model=VideoModelRead)
async def get_video_model(view: ViewOf, video_model: Name, provider: OfProvider = None) -> Response:
    """Return a model that makes videos, with what can be asked of it."""
    models = select(view.catalogue, Filters(model_type="video"))
    return _one(view.show_video(view.find(models, video_model, provider)))


# The last of all, as every other path would be a name to it.
@router.get("/{model_name:path}", response_model=ModelRead)
async def get_model(
    request: Request, view: ViewOf, model_name: Name, provider: OfProvider = None
) -> Response:
    """Return a model of any type. `embedding` is no name but the list of embedding models."""
    if model_name == "embedding":  # the published pages call it so in one place
        query = _embedding_query(request)
        return await _page(view.embeddings(query), query, view.show_embedding)
    return _one(view.show(view.find(view.catalogue.models(), model_name, provider)))


def _embedding_query(request: Request) -> EmbeddingQuery:
    try:
        return EmbeddingQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise RequestValidationError(
            [
                {**finding, "loc": ("query", *finding["loc"])}
                for finding in error.errors(include_context=False)
            ]
        ) from None


def _providers(models: Sequence[Model]) -> ProvidersRead:
    names = listing.list_providers(models)
    return ProvidersRead(providers=names, total=len(names))


def _one(row: Struct) -> Response:
    return Response(msgspec.json.encode(row), media_type="application/json")


async def _page(models: Sequence[Model], page: Page, show: Callable[[Model], Struct]) -> Response:
    """Return one page as bytes. A very long one is sent piece by piece, so that nothing holds all of it."""
    chosen = models[page.skip : page.skip + page.limit]
    pieces = _pieces(chosen, len(models), show)
    if len(chosen) > ROWS_AT_ONCE:
        return StreamingResponse(_in_turns(pieces), media_type="application/json")
    return Response(b"".join(pieces), media_type="application/json")


def _pieces(chosen: Sequence[Model], total: int, show: Callable[[Model], Struct]) -> Iterator[bytes]:
    yield b'{"models":['
    for start in range(0, len(chosen), ROWS_AT_ONCE):
        rows = [show(model) for model in chosen[start : start + ROWS_AT_ONCE]]
        yield (b"," if start else b"") + msgspec.json.encode(rows)[1:-1]
    yield b'],"total":%d}' % total


async def _in_turns(pieces: Iterator[bytes]) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)
