"""Media: what a file is, by its bytes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backboard_server.domain.media import SNIFFED_BYTES, kind_of, sniff

SAMPLES = {
    "png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
    "jpeg of a camera": (b"\xff\xd8\xff\xe1\x1b\xeaExif", "image/jpeg"),
    "jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
    "gif": (b"GIF89a\x01\x00\x01\x00", "image/gif"),
    "old gif": (b"GIF87a\x01\x00\x01\x00", "image/gif"),
    "webp": (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
    "pdf": (b"%PDF-1.7\n", "application/pdf"),
    "wav": (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
    "mp3 with tags": (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg"),
    "mp3, layer III of MPEG 1": (b"\xff\xfb\x90\x64", "audio/mpeg"),
    "mp3, layer III of MPEG 2": (b"\xff\xf3\x40\xc4", "audio/mpeg"),
    "flac": (b"fLaC\x00\x00\x00\x22", "audio/flac"),
    "ogg": (b"OggS\x00\x02", "audio/ogg"),
    "aac": (b"\xff\xf1\x50\x80", "audio/aac"),
    "m4a": (b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00", "audio/mp4"),
}
NONE_OF_THEM = {
    "empty": b"",
    "text": b"Dear Sir or Madam,",
    "text in UTF-16": b"\xff\xfeH\x00i\x00",
    "html": b"<!doctype html>",
    "svg": b"<svg xmlns=",
    "zip": b"PK\x03\x04",
    "video in mp4": b"\x00\x00\x00\x20ftypisom",
    "video in avi": b"RIFF\x24\x00\x00\x00AVI LIST",
    "bitmap": b"BM\x36\x00\x00\x00",
    "program": b"\x7fELF\x02\x01\x01",
    "a png whose line ends were changed": b"\x89PNG\n\x1a\n",
    "half a signature": b"\x89PN",
    "only ones": b"\xff" * 16,
    "mpeg with an impossible bit rate": b"\xff\xfb\xf0\x64",
    "mpeg with an impossible sample rate": b"\xff\xfb\x9c\x64",
    "mpeg of a version that is reserved": b"\xff\xeb\x90\x64",
    "the beginning of a frame": b"\xff\xfb",
}
TYPES = {media_type for _, media_type in SAMPLES.values()}


@pytest.mark.parametrize(("beginning", "media_type"), SAMPLES.values(), ids=SAMPLES.keys())
def test_a_file_that_models_take_is_told_by_its_first_bytes(beginning: bytes, media_type: str) -> None:
    assert sniff(beginning) == media_type
    assert sniff((beginning + bytes(100))[:SNIFFED_BYTES]) == media_type
    assert kind_of(media_type) is not None


@pytest.mark.parametrize("beginning", NONE_OF_THEM.values(), ids=NONE_OF_THEM.keys())
def test_any_other_file_is_none(beginning: bytes) -> None:
    assert sniff(beginning) is None


@given(st.binary(max_size=80) | st.builds(bytes.__add__, st.just(b"\xff"), st.binary(max_size=8)))
@example(b"RIFF")
@example(b"\x00\x00\x00\x00ftyp")
def test_any_bytes_are_one_of_the_types_or_none(beginning: bytes) -> None:
    found = sniff(beginning)

    assert found is None or (found in TYPES and kind_of(found) is not None)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_what_comes_after_the_first_bytes_decides_nothing(beginning: bytes, rest: bytes) -> None:
    whole = beginning.ljust(SNIFFED_BYTES, b"\0")

    assert sniff(whole[:SNIFFED_BYTES]) == sniff(whole + rest)


@pytest.mark.parametrize("name", ["a.png", "a.PDF", "holiday.mp3"])
def test_a_text_is_none_whatever_it_is_called(name: str) -> None:
    assert sniff(name.encode()) is None


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", "image"),
        ("application/pdf", "pdf"),
        ("audio/ogg", "audio"),
        ("image/svg+xml", None),
        ("video/mp4", None),
        ("", None),
        (None, None),
    ],
)
def test_a_type_is_of_a_kind_or_nothing_for_a_model(media_type: str | None, kind: str | None) -> None:
    assert kind_of(media_type) == kind
