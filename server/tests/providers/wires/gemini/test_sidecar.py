from __future__ import annotations

import msgspec

from backboard_server.providers.wires.gemini.sidecar import SidecarDraft, read


def test_an_answer_without_signatures_leaves_nothing() -> None:
    draft = SidecarDraft()
    draft.take_thought("Hm.", None)
    draft.take_text("Sun.", None)
    draft.take_call(None)

    assert draft.whole("gemini-2.5-flash") is None


def test_unsigned_neighbours_are_joined_and_signed_parts_never() -> None:
    draft = SidecarDraft()
    for text, signature in (("Su", None), ("n.", None), ("", "s1"), (" Yes", None), (".", "s2"), ("", None)):
        draft.take_text(text, signature)
    draft.take_thought("unsigned", None)
    draft.take_call("s3")

    assert draft.whole("gemini-3.5-flash") == {
        "gemini": {
            "model": "gemini-3.5-flash",
            "parts": [
                {"kind": "text", "length": 4},
                {"kind": "text", "signature": "s1"},
                {"kind": "text", "length": 4},
                {"kind": "text", "length": 1, "signature": "s2"},
                {"kind": "call", "signature": "s3"},
            ],
        }
    }


def test_what_was_stored_as_json_is_read_again() -> None:
    draft = SidecarDraft()
    draft.take_thought("Hm.", "s")
    stored = msgspec.json.decode(msgspec.json.encode(draft.whole(None)))

    kept = read(stored)

    assert kept is not None
    assert (kept.model, kept.parts[0].text, kept.parts[0].signature) == ("", "Hm.", "s")


def test_what_has_no_shape_of_ours_is_nothing() -> None:
    assert read(None) is None
    assert read({"anthropic": {}}) is None
    assert read({"gemini": {"model": "m", "parts": "no"}}) is None


def test_more_than_can_be_kept_is_not_kept() -> None:
    many, large = SidecarDraft(), SidecarDraft()
    for _ in range(5_000):
        many.take_text("a", "s")
        large.take_thought("a" * 1_000, "s")

    assert many.whole("gemini-3.5-flash") is None
    assert large.whole("gemini-3.5-flash") is None
