from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from backboard_server.domain.models import Model, Price, ThinkingControls
from backboard_server.domain.ports import Catalogue
from backboard_server.models.shown import ShownModel, show, show_embedding, show_thinking, show_video
from backboard_server.providers import Providers

CATALOGUE: Catalogue = Providers({}).catalogue
DAY = date(2026, 11, 23)

# Section F of the contract: what a Model must have and may have, and what speech has beside.
FIELDS_OF_THE_CONTRACT = {
    "name", "provider", "model_type", "context_limit", "max_output_tokens", "supports_tools",
    "supports_vision", "supports_audio_input", "supports_video_input", "supports_image_output",
    "supports_audio_output", "supports_video_output", "supports_streaming", "api_mode",
    "embedding_dimensions", "input_cost_per_1m_tokens", "cached_input_cost_per_1m_tokens",
    "image_input_cost_per_1m_tokens", "output_cost_per_1m_tokens", "image_output_cost_per_1m_tokens",
    "cost_per_image", "description", "display_name", "architecture", "supported_parameters",
    "video_capabilities", "realtime_capabilities", "system_one_capabilities", "billing", "last_updated",
    "supports_thinking", "supports_json_output", "thinking_controls", "audio_input_cost_per_1m_tokens",
    "cached_audio_input_cost_per_1m_tokens", "audio_output_cost_per_1m_tokens", "cost_per_1m_characters",
    "cost_per_minute", "supported_output_formats", "supported_input_formats",
}  # fmt: skip


def known(provider: str, name: str) -> Model:
    return next(m for m in CATALOGUE.models() if (m.provider, m.name) == (provider, name))


def shown(model: Model, *usable: str) -> dict[str, Any]:
    return msgspec.to_builtins(show(model, CATALOGUE, usable))


def test_every_field_of_the_contract_is_there() -> None:
    assert set(ShownModel.__struct_fields__) >= FIELDS_OF_THE_CONTRACT


def test_a_language_model_tells_what_it_can_do_and_costs() -> None:
    row = shown(known("anthropic", "claude-sonnet-4-5"), "anthropic")

    assert row["supports_tools"] is row["supports_vision"] is row["supports_thinking"] is True
    assert row["supports_pdf_input"] is True
    assert row["supports_audio_input"] is False
    assert (row["api_mode"], row["supports_streaming"], row["is_usable"]) == ("messages", True, True)
    assert row["thinking_controls"]["supported"] is True
    assert (row["input_cost_per_1m_tokens"], row["output_cost_per_1m_tokens"]) == (3, 15)
    assert row["cached_input_cost_per_1m_tokens"] == 0.3
    assert row["price_source"] == "models.dev"
    assert row["price_dated"]
    assert row["billing"] is None
    assert row["last_updated"].endswith("T00:00:00Z")


def test_without_a_price_costs_are_null_and_never_nothing() -> None:
    row = shown(Model(name="x", provider="groq", model_type="llm"))

    assert [name for name, value in row.items() if "cost" in name and value is not None] == []
    assert row["price_source"] is None
    assert row["is_usable"] is False


def test_what_only_a_price_list_knows_has_no_abilities_but_null() -> None:
    row = shown(Model(name="x", provider="groq", model_type="llm"))

    assert {value for name, value in row.items() if name.startswith("supports_")} == {None, True}
    assert row["supports_streaming"] is True
    assert row["thinking_controls"] == {
        "supported": True,
        "allowed_fields": ["effort", "budget_tokens", "max_tokens"],
        "defaults_only": False,
    }


@pytest.mark.parametrize(
    ("provider", "name", "billing"),
    [
        ("openai", "whisper-1", {"basis": "duration", "rates": [{"rate": "0.006", "unit": "minute"}]}),
        ("openai", "tts-1", {"basis": "characters", "rates": [{"rate": "15", "unit": "1m_characters"}]}),
        (
            "google",
            "imagen-4.0-generate-001",
            {"basis": "images", "rates": [{"rate": "0.04", "unit": "image"}]},
        ),
        ("openai", "sora-2", {"basis": "video", "rates": [{"rate": "0.10", "unit": "per-video-second"}]}),
        (
            "openai",
            "gpt-4o-transcribe",
            {
                "basis": "tokens",
                "rates": [
                    {"rate": "2.5", "unit": "1m_input_tokens"},
                    {"rate": "10", "unit": "1m_output_tokens"},
                    {"rate": "6", "unit": "1m_audio_input_tokens"},
                ],
            },
        ),
        ("openrouter", "kwaivgi/kling-v3.0-pro", None),
    ],
)
def test_other_models_tell_by_what_they_are_billed(
    provider: str, name: str, billing: dict[str, Any] | None
) -> None:
    assert shown(known(provider, name))["billing"] == billing


def test_speech_has_its_formats_and_system_one_its_questions() -> None:
    assert "mp3" in shown(known("openai", "whisper-1"))["supported_input_formats"]
    assert "opus" in shown(known("openai", "gpt-4o-mini-tts"))["supported_output_formats"]
    jev = shown(known("typesafe", "jev-latest"))
    assert jev["system_one_capabilities"]["question_types"] == ["noul", "choice", "score"]
    assert jev["context_limit"] == 32_000


def test_details_that_are_no_fields_and_those_of_others_change_nothing() -> None:
    details = {"unheard_of": 1, "is_usable": True, "name": "other", "cost_per_image": 0.04}

    row = shown(Model(name="x", provider="nobody", model_type="image", details=details))

    assert (row["name"], row["is_usable"], row["cost_per_image"]) == ("x", False, 0.04)
    assert "unheard_of" not in row


def test_an_embedding_model_has_its_fields_by_both_names() -> None:
    price = Price(input=0.1, output=0, source="backboard")
    model = Model(
        name="e", provider="openai", model_type="embedding", context_limit=8_191, price=price,
        details={"embedding_dimensions": 1_536}, last_updated=DAY,
    )  # fmt: skip

    row = show_embedding(model, {"openai"})

    assert (row.embedding_dimensions, row.dimensions) == (1_536, 1_536)
    assert (row.context_limit, row.max_input_tokens) == (8_191, 8_191)
    assert (row.input_cost_per_1m_tokens, row.is_usable) == (0.1, True)
    assert shown(model)["output_cost_per_1m_tokens"] is None


def test_a_video_model_has_an_id_and_what_can_be_asked_of_it() -> None:
    row = show_video(known("google", "veo-3.1-generate-preview"), {"google"})

    assert (row.id, row.name, row.is_usable) == ("veo-3.1-generate-preview", "Veo 3.1", True)
    assert row.supported_durations == [4, 6, 8]
    assert row.pricing_skus["per-video-second-720p"] == "0.40"


def test_what_a_provider_invents_for_its_videos_breaks_nothing() -> None:
    able = {"seed": True, "smell": ["rose"], "provider": "other"}
    model = Model(name="v", provider="x", model_type="video", details={"video_capabilities": able})

    row = show_video(model, ())

    assert (row.seed, row.provider, row.pricing_skus) == (True, "x", {})


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        (ThinkingControls(), (False, list[str](), False)),
        (ThinkingControls(True), (True, list[str](), True)),
        (ThinkingControls(True, ("effort",)), (True, ["effort"], False)),
    ],
)
def test_thinking_says_whether_only_defaults_are_to_be_had(
    controls: ThinkingControls, expected: tuple[bool, list[str], bool]
) -> None:
    model = Model(name="m", provider="p", model_type="llm", max_output_tokens=64_000, may_reason=True)

    told = show_thinking(model, controls)

    assert tuple(told.thinking_controls.values()) == expected
    assert (told.provider, told.model, told.max_output_tokens, told.supports_thinking) == (
        "p", "m", 64_000, True,
    )  # fmt: skip
