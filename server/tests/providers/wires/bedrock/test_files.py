from __future__ import annotations

from base64 import b64encode

import pytest

from backboard_server.domain.prompts import Media, MediaKind, PromptMessage
from backboard_server.providers.wires.bedrock.files import FILES_MAX, file_blocks

BYTES = b"some bytes"
ENCODED = {"bytes": b64encode(BYTES).decode()}


def _media(kind: MediaKind, media_type: str, filename: str = "a file", content: bytes = BYTES) -> Media:
    return Media(kind=kind, media_type=media_type, filename=filename, content=content)


def _message(*media: Media) -> PromptMessage:
    return PromptMessage("user", "Look.", media=media)


def test_every_kind_of_file_has_its_block() -> None:
    message = _message(
        _media("image", "image/png"),
        _media("pdf", "application/pdf", "report.pdf"),
        _media("audio", "audio/mpeg"),
    )

    assert file_blocks([PromptMessage("system", "Be brief."), message]) == {
        1: [
            {"image": {"format": "png", "source": ENCODED}},
            {"document": {"format": "pdf", "source": ENCODED, "name": "report"}},
            {"audio": {"format": "mp3", "source": ENCODED}},
        ]
    }


@pytest.mark.parametrize(
    "media",
    [_media("image", "image/tiff"), _media("audio", "audio/midi"), _media("image", "image/png", content=b"")],
)
def test_what_the_vendor_cannot_read_is_named(media: Media) -> None:
    assert file_blocks([_message(media)]) == {
        0: [{"text": "[File attached, which this model cannot see: a file]"}]
    }


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("report.pdf", "report"),
        ("Q3 (final) [v2]-1.pdf", "Q3 (final) [v2]-1"),
        ("Übersicht_2026.final.pdf", "bersicht 2026 final"),
        ("a \t\n  b.pdf", "a b"),
        ("晴れ.pdf", "document"),
        (".pdf", "pdf"),
        ("", "document"),
        ("x" * 500, "x" * 100),
    ],
)
def test_a_document_has_a_name_of_the_characters_that_are_allowed(filename: str, name: str) -> None:
    (block,) = file_blocks([_message(_media("pdf", "application/pdf", filename))])[0]

    assert block["document"]["name"] == name


def test_no_two_documents_of_a_request_have_one_name() -> None:
    pdf = _media("pdf", "application/pdf", "report.pdf")

    blocks = file_blocks([_message(pdf, pdf), PromptMessage("assistant", "Yes."), _message(pdf)])

    names = [block["document"]["name"] for index in (0, 2) for block in blocks[index]]
    assert sorted(names) == ["report", "report 2", "report 3"]


def test_of_too_many_files_the_latest_are_shown_and_the_others_named() -> None:
    picture = _media("image", "image/png", "picture.png")

    blocks = file_blocks([_message(picture)] * (FILES_MAX["image"] + 2))

    shown = [index for index, (block,) in blocks.items() if "image" in block]
    assert sorted(shown) == list(range(2, FILES_MAX["image"] + 2))
    assert blocks[0] == [{"text": "[File attached, which this model cannot see: picture.png]"}]


def test_files_are_the_users_alone() -> None:
    assert file_blocks([PromptMessage("assistant", "", media=(_media("image", "image/png"),))]) == {}
