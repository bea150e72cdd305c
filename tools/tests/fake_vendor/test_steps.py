from __future__ import annotations

from fake_vendor.steps import event, head, piece, whole


def test_a_complete_response_tells_its_length_and_further_headers() -> None:
    assert whole(200, b"hello", "Connection: close").split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: application/json",
        b"Content-Length: 5",
        b"Connection: close",
        b"",
        b"hello",
    ]


def test_an_event_is_one_piece_of_a_chunked_body() -> None:
    assert event({"a": 1}) == piece(b'data: {"a":1}\n\n') == b'f\r\ndata: {"a":1}\n\n\r\n'


def test_an_unusual_status_still_has_a_reason() -> None:
    assert head(529, "text/plain").startswith(b"HTTP/1.1 529 Fault\r\n")
