"""Compressed answers of hosts that compress unasked, unpacked no further than they may be."""

from __future__ import annotations

import zlib

from ._failures import Failure

_GZIP_OR_ZLIB = 47  # the window of zlib's manual, and 32 to tell the two apart by their first bytes
_AT_ONCE_BYTES_MAX = 64 * 1024


class Inflater:
    """Unpacks one body; what comes after its first member is left out."""

    def __init__(self, encoding: str) -> None:
        """`encoding` is the header's. Raises Failure (malformed) for one that is not known."""
        match encoding.strip().lower():
            case "" | "identity":
                self._unpacker = None
            case "gzip" | "x-gzip" | "deflate":
                self._unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
            case _:
                raise Failure("malformed", f"it is compressed as {encoding[:40]}, which was not asked for")

    def unpacked(self, piece: bytes, bytes_max: int) -> list[bytes]:
        """Return what a piece unpacks to, in short blocks and at most one byte past `bytes_max`.

        Raises Failure (malformed) for what cannot be unpacked.
        """
        if self._unpacker is None:
            return [piece]
        pieces: list[bytes] = []
        left = bytes_max + 1
        try:
            while left > 0 and not self._unpacker.eof:
                at_most = min(left, _AT_ONCE_BYTES_MAX)
                block = self._unpacker.decompress(piece, at_most)
                piece = self._unpacker.unconsumed_tail
                left -= len(block)
                pieces.append(block)
                if len(block) < at_most and not piece:
                    break
        except zlib.error:
            raise Failure("malformed", "its compression is broken") from None
        return [block for block in pieces if block]

    @property
    def is_whole(self) -> bool:
        """Whether nothing more was promised than has been unpacked."""
        return self._unpacker is None or self._unpacker.eof
