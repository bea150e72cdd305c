from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.prompts import Media, PromptMessage, ToolCall
from backboard_server.providers.wires.openai_responses.items import items_of
from backboard_server.providers.wires.openai_responses.sidecar import Kept, sidecar_of

IMAGE = Media(kind="image", media_type="image/png", filename="a.png", content=b"png")
PDF = Media(kind="pdf", media_type="application/pdf", filename="a.pdf", content=b"pdf")
CALL = ToolCall("call_1", "look_up", '{"city": "Paris"}')
CALL_ITEM = {
    "type": "function_call",
    "call_id": "call_1",
    "name": "look_up",
    "arguments": '{"city": "Paris"}',
}


@pytest.mark.parametrize(
    ("message", "items"),
    [
        (PromptMessage("system", "Be brief."), [{"role": "developer", "content": "Be brief."}]),
        (PromptMessage("user", "Hi."), [{"role": "user", "content": "Hi."}]),
        (
            PromptMessage("assistant", "Hm.", (CALL,)),
            [{"role": "assistant", "content": "Hm."}, CALL_ITEM],
        ),
        (
            PromptMessage("tool", "", tool_call_id="call_1"),
            [{"type": "function_call_output", "call_id": "call_1", "output": ""}],
        ),
        (PromptMessage("user", ""), []),
        (PromptMessage("system", ""), []),
        (PromptMessage("assistant", ""), []),
    ],
)
def test_every_role_has_its_items_and_silence_has_none(
    message: PromptMessage, items: list[dict[str, Any]]
) -> None:
    assert items_of(message) == items


def test_files_are_shown_as_data() -> None:
    (item,) = items_of(PromptMessage("user", "Look.", media=(IMAGE, PDF)))

    assert item["content"] == [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,cG5n"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,cGRm"},
    ]


def test_an_output_may_be_a_picture() -> None:
    (item,) = items_of(PromptMessage("tool", "", tool_call_id="call_1", media=(IMAGE,)))

    assert [part["type"] for part in item["output"]] == ["input_image"]


def test_an_answer_with_its_sidecar_goes_back_item_by_item() -> None:
    items = [
        Kept("reasoning", "rs_1", "sealed"),
        Kept("message", "msg_1", phase="commentary", characters=4),
        Kept("function_call", "fc_1", call_id="call_1"),
        Kept("reasoning", "rs_2", "sealed too"),
        Kept("message", "msg_2", characters=5),
    ]
    message = PromptMessage("assistant", "Hm …\n\nParis", (CALL,), sidecar=sidecar_of(items))

    thought, said, call, thought_too, said_too = items_of(message)

    sealed: dict[str, Any] = {"type": "reasoning", "summary": []}
    text: dict[str, Any] = {"type": "output_text", "text": "Hm …", "annotations": [], "logprobs": []}
    assert thought == sealed | {"id": "rs_1", "encrypted_content": "sealed"}
    assert thought_too == sealed | {"id": "rs_2", "encrypted_content": "sealed too"}
    assert call == CALL_ITEM | {"id": "fc_1"}
    assert (said["id"], said["phase"], said["content"]) == ("msg_1", "commentary", [text])
    assert (said_too["id"], said_too["content"][0]["text"]) == ("msg_2", "Paris")
    assert "phase" not in said_too


def test_a_sidecar_that_does_not_fit_leaves_the_text_and_the_calls() -> None:
    sidecar = sidecar_of([Kept("reasoning", "rs_1", "sealed"), Kept("message", "msg_1", characters=99)])

    assert items_of(PromptMessage("assistant", "Hm.", (CALL,), sidecar=sidecar)) == [
        {"role": "assistant", "content": "Hm."},
        CALL_ITEM,
    ]


@pytest.mark.parametrize("call_id", ["", "x" * 65])
def test_a_call_and_its_output_find_each_other_by_an_id_that_fits(call_id: str) -> None:
    (call,) = items_of(PromptMessage("assistant", "", (ToolCall(call_id, "look_up", "{}"),)))
    (output,) = items_of(PromptMessage("tool", "Sun.", tool_call_id=call_id))

    assert 0 < len(call["call_id"]) <= 64
    assert call["call_id"] == output["call_id"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('{"city": "Paris"}', '{"city": "Paris"}'),
        ("", "{}"),
        ('{"city": "Par', '{"arguments":"{\\"city\\": \\"Par"}'),
    ],
)
def test_arguments_that_are_no_json_are_told_as_text(written: str, sent: str) -> None:
    (call,) = items_of(PromptMessage("assistant", "", (ToolCall("call_1", "look_up", written),)))

    assert call["arguments"] == sent


def test_a_name_of_another_vendor_is_made_to_fit() -> None:
    (call,) = items_of(PromptMessage("assistant", "", (ToolCall("call_1", "functions.look up:0", "{}"),)))

    assert call["name"] == "functions_look_up_0"
