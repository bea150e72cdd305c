"""Amazon's event stream, from bytes to the payloads of its messages.

Format: docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html; the headers of every message:
smithy.io/2.0/aws/amazon-eventstream.html. A message is its length, the length of its headers, the CRC32 of
these two, the headers, the payload (JSON here), and the CRC32 of all of it; numbers are big-endian.
"""

from __future__ import annotations

import struct
from zlib import crc32

import msgspec

from ._failures import Failure

MESSAGE_BYTES_MAX = 1024 * 1024

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_OVERHEAD_BYTES = _PRELUDE.size + _CRC.size

# How long the value of a header is, by its type; those of types 6 and 7 say their length themselves.
_VALUE_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_BYTES, _STRING = 6, 7

_HEADERS_REMEMBERED_MAX = 64


class MessageDecoder:
    """Cuts a byte stream into payloads; any split of the bytes gives the same ones.

    A payload comes under the type of its event, as in `{"contentBlockDelta": {…}}`, so that one decoder reads
    them all. An exception or an error comes as `{"exception": {"type": "throttlingException", "body": "…"}}`.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._openings: dict[bytes, bytes] = {}

    def feed(self, block: bytes) -> list[bytes]:
        """Return the payloads that are complete with this block.

        Raises Failure (malformed) for a message that is damaged or of more than `MESSAGE_BYTES_MAX`, once
        all that came before it has been returned.
        """
        self._kept += block
        payloads: list[bytes] = []
        start = 0
        try:
            while end := self._end_of_message(start):
                if payload := self._payload(start, end):
                    payloads.append(payload)
                start = end
        except Failure:
            if not payloads:
                raise
        finally:
            del self._kept[:start]
        return payloads

    def _end_of_message(self, start: int) -> int:
        """Return where the message ends that begins here, or 0 while it is not complete."""
        if len(self._kept) - start < _PRELUDE.size:
            return 0
        length, headers_length, crc = _PRELUDE.unpack_from(self._kept, start)
        if crc32(self._kept[start : start + 8]) != crc:
            raise Failure("malformed", "the beginning of a message of its stream is damaged")
        if length > MESSAGE_BYTES_MAX:
            raise Failure("malformed", f"a message of its stream is longer than {MESSAGE_BYTES_MAX:,} bytes")
        if length < _OVERHEAD_BYTES + headers_length:
            raise Failure("malformed", "a message of its stream is shorter than its headers")
        end = start + length
        return end if len(self._kept) >= end else 0

    def _payload(self, start: int, end: int) -> bytes | None:
        message = bytes(self._kept[start:end])
        if crc32(message[: -_CRC.size]) != _CRC.unpack_from(message, len(message) - _CRC.size)[0]:
            raise Failure("malformed", "a message of its stream is damaged")
        headers_end = _PRELUDE.size + _PRELUDE.unpack_from(message)[1]
        headers, payload = message[_PRELUDE.size : headers_end], message[headers_end : -_CRC.size]
        # The messages of one stream have the same few headers again and again.
        opening = self._openings.get(headers)
        if opening and payload:
            return b"%b%b}" % (opening, payload)
        return self._read(headers, payload)

    def _read(self, headers: bytes, payload: bytes) -> bytes | None:
        named = _decoded(headers)
        match named.get(":message-type"):
            case "event":
                name = named.get(":event-type", "")
                if not (name.isascii() and name.isalnum()) or not payload:
                    return None
                opening = b'{"%b":' % name.encode()
                if len(self._openings) < _HEADERS_REMEMBERED_MAX:
                    self._openings[headers] = opening
                return b"%b%b}" % (opening, payload)
            case "exception":
                body = payload.decode("utf-8", "replace")
                return _exception(named.get(":exception-type", ""), body)
            case "error":
                return _exception(named.get(":error-code", ""), named.get(":error-message", ""))
            case _:
                return None


def _exception(name: str, body: str) -> bytes:
    return msgspec.json.encode({"exception": {"type": name, "body": body}})


def _decoded(headers: bytes) -> dict[str, str]:
    """Return the headers whose values are text, by name; raises Failure (malformed) for what are none."""
    named: dict[str, str] = {}
    at = 0
    try:
        while at < len(headers):
            name_end = at + 1 + headers[at]
            name, kind = headers[at + 1 : name_end].decode(), headers[name_end]
            at = name_end + 1
            if kind in (_BYTES, _STRING):
                value_start = at + 2
                at = value_start + int.from_bytes(headers[at:value_start], "big")
                if kind == _STRING:
                    named[name] = headers[value_start:at].decode()
            else:
                at += _VALUE_BYTES[kind]
    except (IndexError, KeyError, UnicodeDecodeError):
        at = -1
    if at != len(headers):
        raise Failure("malformed", "the headers of a message of its stream cannot be read")
    return named
