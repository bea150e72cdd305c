"""Media: which files a model may look at or listen to, told by their bytes and never by their names."""

from __future__ import annotations

from .prompts import MediaKind

SNIFFED_BYTES = 64

_KINDS: dict[str, MediaKind] = {
    "image/png": "image",
    "image/jpeg": "image",
    "image/gif": "image",
    "image/webp": "image",
    "application/pdf": "pdf",
    "audio/wav": "audio",
    "audio/mpeg": "audio",
    "audio/flac": "audio",
    "audio/ogg": "audio",
    "audio/aac": "audio",
    "audio/mp4": "audio",
}

# What the first bytes are, by each format's own specification.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)
_CONTAINERS: dict[tuple[bytes, bytes], str] = {
    (b"RIFF", b"WEBP"): "image/webp",
    (b"RIFF", b"WAVE"): "audio/wav",
}
_MP4_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B "})


def kind_of(media_type: str | None) -> MediaKind | None:
    """Return what kind of media a type is, or None for one that no model takes."""
    return _KINDS.get(media_type or "")


def sniff(beginning: bytes) -> str | None:
    """Return the type of a file by its first `SNIFFED_BYTES`; None where no model takes such a file."""
    for signature, media_type in _SIGNATURES:
        if beginning.startswith(signature):
            return media_type
    contained = _CONTAINERS.get((beginning[:4], beginning[8:12]))
    if contained:
        return contained
    if beginning[4:8] == b"ftyp" and beginning[8:12] in _MP4_AUDIO_BRANDS:
        return "audio/mp4"
    return _mpeg_audio(beginning)


def _mpeg_audio(beginning: bytes) -> str | None:
    """Tell a frame of MPEG audio by its synchronisation and its layer (ISO/IEC 11172-3, 13818-7).

    Of the layers only III, which is MP3: as layer I would read the mark at the beginning of a UTF-16 text.
    """
    if len(beginning) < 4 or beginning[0] != 0xFF or beginning[1] & 0xE0 != 0xE0:
        return None
    layer = beginning[1] >> 1 & 0b11
    if layer == 0b00:
        return "audio/aac" if beginning[1] & 0xF0 == 0xF0 else None
    has_bit_rate = beginning[2] >> 4 not in (0b0000, 0b1111)
    has_sample_rate = beginning[2] >> 2 & 0b11 != 0b11
    has_version = beginning[1] >> 3 & 0b11 != 0b01
    return "audio/mpeg" if layer == 0b01 and has_bit_rate and has_sample_rate and has_version else None
