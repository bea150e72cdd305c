"""What kind of model a name stands for, where a source lists all kinds together and does not say."""

from __future__ import annotations

import re
from collections.abc import Collection

from backboard_server.domain.models import ModelType

# Neither converses nor makes any medium that the contract knows: such rows are left out.
_NONE_OF_OURS = re.compile(r"rerank|moderation|lyria|music|stable-audio|text-to-audio|deplot|-sts-|guardrail")
_BY_NAME: tuple[tuple[re.Pattern[str], ModelType], ...] = (
    (re.compile(r"(^|/)jev-"), "system_one"),
    (
        re.compile(r"embed|(^|/)bge-|(^|/)(multilingual-)?e5-|(^|/)gte-|(^|/)voyage-|(^|/)all-minilm"),
        "embedding",
    ),
    (re.compile(r"whisper|transcri|(^|/)scribe_|(^|[/-])asr(-|$)|parakeet|(^|/)canary-"), "stt"),
    (re.compile(r"realtime|(^|-)live-|native-audio|-live(-|$)|nova-(2-)?sonic|grok-voice"), "realtime"),
    (re.compile(r"(^|[/_-])tts([/_-]|$)|(^|/)eleven_|orpheus|playai|elevenlabs/"), "tts"),
    (re.compile(r"(^|/)veo-|(^|/)sora-|t2v|i2v|text-to-video|image-to-video"), "video"),
    (
        re.compile(r"(^|[/-])(gpt-)?image(-|$)|imagen-|flux[._-]|dall-e|stable-diffusion|nano-banana|sdxl"),
        "image",
    ),
)
_ANY = re.compile("|".join(pattern.pattern for pattern in (_NONE_OF_OURS, *(row[0] for row in _BY_NAME))))


def kind_of(name: str, outputs: Collection[str] = ("text",)) -> ModelType | None:
    """Return the type of a model by its name and by what it gives, or None where the contract has no type.

    What gives text and images alike is an image model only if its name says so: others are language models
    that can draw as well.
    """
    lower = name.lower()
    if _ANY.search(lower):  # most are language models by their name, which one look tells instead of eight
        if _NONE_OF_OURS.search(lower):
            return None
        return next(kind for pattern, kind in _BY_NAME if pattern.search(lower))
    if "text" in outputs:
        return "llm"
    by_output: dict[str, ModelType] = {"image": "image", "video": "video", "audio": "tts"}
    return next((kind for medium, kind in by_output.items() if medium in outputs), None)
