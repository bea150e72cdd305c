"""Models of the catalogue: what there is to call, what it can do and what it costs."""

from datetime import datetime
from typing import Any, Dict, List, Optional

from pydantic import Field

from ._record import Record


class ThinkingControls(Record):
    """Which fields of `thinking` reach a model; with `defaults_only` it can be told to think, and no more."""

    supported: bool = False
    allowed_fields: List[str] = Field(default_factory=lambda: [])
    defaults_only: bool = False


class Model(Record):
    """A model of any type; `model_type` says which. Costs are US dollars; None is unknown, never free."""

    name: str
    provider: str
    model_type: str
    context_limit: int
    max_output_tokens: Optional[int] = None
    display_name: Optional[str] = None
    description: Optional[str] = None
    supports_tools: Optional[bool] = None
    supports_vision: Optional[bool] = None
    supports_pdf_input: Optional[bool] = None
    supports_audio_input: Optional[bool] = None
    supports_video_input: Optional[bool] = None
    supports_image_output: Optional[bool] = None
    supports_audio_output: Optional[bool] = None
    supports_video_output: Optional[bool] = None
    supports_streaming: Optional[bool] = None
    supports_thinking: Optional[bool] = None
    supports_json_output: Optional[bool] = None
    thinking_controls: Optional[ThinkingControls] = None
    api_mode: Optional[str] = None
    embedding_dimensions: Optional[int] = None
    input_cost_per_1m_tokens: Optional[float] = None
    cached_input_cost_per_1m_tokens: Optional[float] = None
    cache_write_input_cost_per_1m_tokens: Optional[float] = None
    output_cost_per_1m_tokens: Optional[float] = None
    image_input_cost_per_1m_tokens: Optional[float] = None
    image_output_cost_per_1m_tokens: Optional[float] = None
    cost_per_image: Optional[float] = None
    price_source: Optional[str] = None
    price_dated: Optional[str] = None
    architecture: Optional[Dict[str, Any]] = None
    supported_parameters: Optional[List[str]] = None
    video_capabilities: Optional[Dict[str, Any]] = None
    realtime_capabilities: Optional[Dict[str, Any]] = None
    system_one_capabilities: Optional[Dict[str, Any]] = None
    billing: Optional[Dict[str, Any]] = None
    is_usable: Optional[bool] = None
    last_updated: Optional[datetime] = None


class ImageModel(Model):
    """A model that makes images."""


class VoiceModel(Model):
    """A model that hears or speaks, as `list_models(model_type="stt")` and `"tts"` return it."""

    audio_input_cost_per_1m_tokens: Optional[float] = None
    cached_audio_input_cost_per_1m_tokens: Optional[float] = None
    audio_output_cost_per_1m_tokens: Optional[float] = None
    cost_per_1m_characters: Optional[float] = None
    cost_per_minute: Optional[float] = None
    supported_output_formats: Optional[str] = None
    supported_input_formats: Optional[str] = None


class EmbeddingModel(Record):
    """An embedding model."""

    name: str
    provider: str
    embedding_dimensions: int
    context_limit: int
    input_cost_per_1m_tokens: Optional[float] = None
    is_usable: Optional[bool] = None
    last_updated: Optional[datetime] = None


class VideoModel(Record):
    """A model that makes videos, and what can be asked of it; None is unknown."""

    id: str
    name: str
    provider: str = "openrouter"
    architecture: Optional[Dict[str, Any]] = None
    supported_durations: Optional[List[int]] = None
    supported_resolutions: Optional[List[str]] = None
    supported_aspect_ratios: Optional[List[str]] = None
    supported_sizes: Optional[List[str]] = None
    supported_frame_images: Optional[List[str]] = None
    generate_audio: Optional[bool] = None
    seed: Optional[bool] = None
    pricing_skus: Dict[str, Any] = Field(default_factory=lambda: {})
    is_usable: Optional[bool] = None


class ThinkingMetadata(Record):
    """How a model can be told to think."""

    provider: str
    model: str
    max_output_tokens: Optional[int] = None
    supports_thinking: Optional[bool] = None
    thinking_controls: ThinkingControls


class ModelsListResponse(Record):
    """A page of models; `total` is how many there are in all."""

    models: List[Model]
    total: int


class ImageModelsListResponse(Record):
    """A page of image models; `total` is how many there are in all."""

    models: List[ImageModel]
    total: int


class VoiceModelsListResponse(Record):
    """A page of models that hear or speak; `total` is how many there are in all."""

    models: List[VoiceModel]
    total: int


class EmbeddingModelsListResponse(Record):
    """A page of embedding models; `total` is how many there are in all."""

    models: List[EmbeddingModel]
    total: int


class VideoModelsListResponse(Record):
    """A page of video models; `total` is how many there are in all."""

    models: List[VideoModel]
    total: int


class ProvidersListResponse(Record):
    """Providers by id."""

    providers: List[str]
    total: int
