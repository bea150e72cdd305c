from __future__ import annotations

import json
from datetime import datetime, timezone
from uuid import UUID

import pytest

from backboard import ToolOutput
from backboard._requests import Request, form_body, given, http_body, json_body, path

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
