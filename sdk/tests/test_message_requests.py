from __future__ import annotations

from pathlib import Path

import pytest

from backboard import ToolOutput
from backboard._message_requests import (
    OutputOptions,
    message_request,
    run_outputs_request,
    thread_outputs_request,
)


@pytest.mark.parametrize(("given", "sent"), [(True, "true"), (False, "false"), ("false", "false")])
def test_send_to_llm_is_text_on_the_wire(given: bool | str, sent: str) -> None:
    request = message_request({"content": "Hi"}, None, {"send_to_llm": given})

    assert request.fields == {"content": "Hi", "send_to_llm": sent}


def test_memory_citation_is_another_name_and_gives_way_to_the_first() -> None:
    alias = message_request({}, None, {"memory_citation": True})
    both = message_request({}, None, {"memory_citation": True, "memory_response_citation": False})

    assert alias.fields == {"memory_response_citation": True}
    assert both.fields == {"memory_response_citation": False}


def test_an_option_that_is_none_is_left_out() -> None:
    assert message_request({"content": None}, None, {"memory": None, "audio_file": None}).fields == {}


def test_no_files_and_an_empty_list_of_files_are_the_same() -> None:
    assert message_request({}, [], {}).uploads == message_request({}, None, {}).uploads == ()


def test_uploads_stand_under_the_fields_they_were_given_for() -> None:
    request = message_request(
        {},
        ["a.txt"],
        {
            "input_image": "b.png",
            "input_references": [Path("c.png"), ("d.png", b"")],
            "operation": "generate_image",
        },
    )

    assert request.fields == {"operation": "generate_image"}
    assert request.uploads == (
        ("files", "a.txt"),
        ("input_image", "b.png"),
        ("input_references", Path("c.png")),
        ("input_references", ("d.png", b"")),
    )


def test_outputs_may_be_models_and_dicts() -> None:
    outputs = [ToolOutput(tool_call_id="a", output="1"), {"tool_call_id": "b", "output": "2"}]

    to_thread = thread_outputs_request("t", outputs, True, {"tool_choice": "none"})
    to_run = run_outputs_request("t", "r", outputs, True, {"tools": None})

    assert to_thread.path == "/threads/tool-outputs"
    assert to_thread.fields == {
        "thread_id": "t", "tool_outputs": outputs, "tool_choice": "none", "stream": True,
    }  # fmt: skip
    assert (to_run.path, to_run.query) == ("/threads/t/runs/r/submit-tool-outputs", {"stream": "true"})
    assert to_run.fields == {"tool_outputs": outputs}


def test_outputs_have_no_other_keywords() -> None:
    wrong: OutputOptions = {"stram": True}  # pyright: ignore[reportAssignmentType] - as a program without types would

    with pytest.raises(TypeError, match="stram"):
        thread_outputs_request("t", [], False, wrong)
