from __future__ import annotations

import json
from datetime import datetime, timezone
from uuid import UUID

import pytest

from backboard import ToolOutput
from backboard._requests import KEY_HEADER, Request, form_body, given, http_body, json_body, keyed, path

ID = UUID("018f2b6a-0000-7000-8000-000000000001")


def test_each_segment_of_a_path_is_escaped() -> None:
    assert path("assistants", ID, "memories", "a/b?c#d %é") == (
        f"/assistants/{ID}/memories/a%2Fb%3Fc%23d%20%25%C3%A9"
    )


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_would_address_something_else_is_refused(segment: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        path("threads", segment)


def test_only_none_counts_as_not_given() -> None:
    assert given(a=None, b="", c=0, d=False, e=[], f={}) == {"b": "", "c": 0, "d": False, "e": [], "f": {}}


def test_json_holds_ids_dates_and_models_in_any_depth() -> None:
    moment = datetime(2026, 11, 23, tzinfo=timezone.utc)
    output = ToolOutput(tool_call_id="c", output="ok")

    assert json.loads(json_body({"id": ID, "deep": [{"at": moment, "output": output}]})) == {
        "id": str(ID),
        "deep": [{"at": "2026-11-23T00:00:00+00:00", "output": {"tool_call_id": "c", "output": "ok"}}],
    }


def test_what_has_no_json_form_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="complex has no JSON form"):
        json_body({"number": 1j})


def test_form_fields_are_text_as_it_is_and_json_otherwise() -> None:
    assert form_body(
        {"text": "a b", "id": ID, "flag": True, "count": 3, "list": [1], "object": {"a": None}}
    ) == {
        "text": "a b",
        "id": str(ID),
        "flag": "true",
        "count": "3",
        "list": "[1]",
        "object": '{"a": null}',
    }


def test_a_request_without_fields_has_no_body() -> None:
    assert http_body(Request("GET", "/threads"), []) == ({}, {})


def test_a_request_with_empty_fields_has_an_empty_object_for_body() -> None:
    assert http_body(Request("POST", "/threads", fields={}), []) == (
        {"Content-Type": "application/json"},
        {"content": b"{}"},
    )


def test_the_same_key_makes_the_same_multipart_bytes_and_another_key_others() -> None:
    def kind(key: str) -> str:
        headers, _ = http_body(Request("POST", "/m").under(key), [("file", ("a", b"A"))])
        return headers["Content-Type"]

    assert kind("k") == kind("k") != kind("l")
    assert kind("k").startswith("multipart/form-data; boundary=")


def test_a_post_gets_a_key_and_keeps_it() -> None:
    request = keyed(Request("POST", "/threads"))

    assert request.headers[KEY_HEADER] != keyed(Request("POST", "/threads")).headers[KEY_HEADER]
    assert keyed(request) is request


def test_the_callers_key_stands_beside_other_headers() -> None:
    request = keyed(Request("POST", "/threads", headers={"X-A": "1"}).under("mine"))

    assert request.headers == {"X-A": "1", KEY_HEADER: "mine"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_can_be_repeated_anyway_needs_no_key(method: str) -> None:
    assert keyed(Request(method, "/threads")).headers == {}


@pytest.mark.parametrize("key", ["", "k" * 256, "k\n", "clé"])
def test_a_key_that_cannot_be_sent_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        Request("POST", "/threads").under(key)


def test_no_key_of_the_caller_is_no_key_yet() -> None:
    request = Request("POST", "/threads")

    assert request.under(None) is request
