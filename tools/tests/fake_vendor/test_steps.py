from __future__ import annotations

from fake_vendor.steps import head, piece, sse, whole


def test_a_complete_response_tells_its_length_and_further_headers() -> None:
    assert whole(200, b"hello", "Connection: close").split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: application/json",
        b"Content-Length: 5",
        b"Connection: close",
        b"",
        b"hello",
    ]


def test_an_event_has_a_name_where_its_protocol_names_events() -> None:
    assert sse({"a": 1}) == b'data: {"a":1}\n\n'
    assert sse({"a": 1}, "ping") == b'event: ping\ndata: {"a":1}\n\n'


def test_a_piece_of_a_chunked_body_tells_its_length() -> None:
    assert piece(b"data: 1\n\n") == b"9\r\ndata: 1\n\n\r\n"


def test_an_unusual_status_still_has_a_reason() -> None:
    assert head(529, "text/plain").startswith(b"HTTP/1.1 529 Fault\r\n")
