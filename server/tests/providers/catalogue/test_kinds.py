from __future__ import annotations

import pytest

from backboard_server.domain.models import ModelType
from backboard_server.providers.catalogue.kinds import kind_of

TEXT = ("text",)


@pytest.mark.parametrize(
    ("name", "outputs", "kind"),
    [
        ("gpt-4o", TEXT, "llm"),
        ("claude-sonnet-4-5", TEXT, "llm"),
        ("accounts/fireworks/models/gpt-oss-120b", TEXT, "llm"),
        ("gpt-5.1", ("text", "image"), "llm"),  # it can draw as well
        ("openai/gpt-4o-audio-preview", ("text", "audio"), "llm"),
        ("jamba-large-1.7", TEXT, "llm"),
        ("text-embedding-3-large", TEXT, "embedding"),
        ("Qwen/Qwen3-Embedding-8B", TEXT, "embedding"),
        ("workers-ai/@cf/baai/bge-m3", TEXT, "embedding"),
        ("voyage-3.5-lite", TEXT, "embedding"),
        ("whisper-large-v3", TEXT, "stt"),
        ("gpt-4o-transcribe-diarize", TEXT, "stt"),
        ("gpt-realtime-whisper", TEXT, "stt"),
        ("scribe_v2_realtime", TEXT, "stt"),
        ("gpt-4o-mini-tts", TEXT, "tts"),
        ("tts-1-hd", TEXT, "tts"),
        ("eleven_flash_v2_5", TEXT, "tts"),
        ("magpie", ("audio",), "tts"),
        ("gpt-realtime-mini", TEXT, "realtime"),
        ("gemini-3.8-live", TEXT, "realtime"),
        ("grok-voice-latest", TEXT, "realtime"),
        ("google/gemini-3.1-flash-image-preview", ("text", "image"), "image"),
        ("black-forest-labs/FLUX.2-klein-4B", ("image",), "image"),
        ("hidream", ("image",), "image"),
        ("google/veo-3.1", ("video",), "video"),
        ("kling-v2-6", ("video",), "video"),
        ("typesafe/jev-1.13", TEXT, "system_one"),
        ("bge-reranker-v2-m3", TEXT, None),
        ("omni-moderation-latest", TEXT, None),
        ("google/lyria", ("audio",), None),
        ("vision-only", ("pose",), None),
    ],
)
def test_a_kind_is_told_by_name_and_output(
    name: str, outputs: tuple[str, ...], kind: ModelType | None
) -> None:
    assert kind_of(name, outputs) == kind
