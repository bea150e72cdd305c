from __future__ import annotations

from typing import Any

import pytest

from backboard import AttachmentInfo, ChatMessagesResponse, MessageResponse, ToolCall, ToolOutputsResponse
from backboard.models.messages import Attachment

THREAD_ID = "018f2b6a-0000-7000-8000-000000000002"
FLAT: dict[str, Any] = {
    "message": "ok",
    "thread_id": THREAD_ID,
    "timestamp": "2026-11-23T10:00:00Z",
    "content": "Hello",
    "status": "REQUIRES_ACTION",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    "memory_operation_id": "op_1",
    "generated_media": [{"document_id": "d"}],
    "voice_records": {"stt": {}},
    "context_usage": {"percent": 12.5, "used_tokens": 10},
}


def test_a_flat_answer_becomes_the_only_message() -> None:
    response = ChatMessagesResponse.model_validate(FLAT)

    assert len(response.messages) == 1
    assert "context_usage" not in response.messages[0]
    assert response.context_usage is not None
    assert (response.context_usage.percent, response.context_usage.model) == (12.5, "unknown")


def test_a_list_of_messages_is_taken_as_it_is_and_the_last_one_read() -> None:
    response = ChatMessagesResponse.model_validate(
        {"messages": [{"content": "first"}, FLAT], "context_usage": None}
    )

    assert (len(response.messages), response.content) == (2, "Hello")


def test_properties_read_the_last_message() -> None:
    response = ChatMessagesResponse.model_validate(FLAT)

    assert response.status == "REQUIRES_ACTION"
    assert response.tool_calls is not None
    assert isinstance(response.tool_calls[0], ToolCall)
    assert (response.thread_id, response.memory_operation_id) == (THREAD_ID, "op_1")
    assert response.generated_media == [{"document_id": "d"}]
    assert (response.run_id, response.reasoning, response.assistant_id, response.message_id) == (None,) * 4


def test_an_empty_list_of_messages_says_nothing() -> None:
    response = ChatMessagesResponse.model_validate({"messages": []})

    assert (response.content, response.tool_calls) == (None, None)
    with pytest.raises(IndexError):
        _ = response.last


def test_the_last_message_is_to_be_had_with_every_field_typed() -> None:
    last = ChatMessagesResponse.model_validate(FLAT).last

    assert isinstance(last, MessageResponse)
    assert str(last.thread_id) == THREAD_ID
    assert last.voice_records == {"stt": {}}


def test_the_answer_to_tool_outputs_is_flat() -> None:
    answer = ToolOutputsResponse.model_validate({**FLAT, "run_id": "run_1", "later_field": 1})

    assert (answer.run_id, answer.content) == ("run_1", "Hello")
    assert answer.model_dump()["later_field"] == 1


def test_an_attachment_keeps_its_published_name() -> None:
    assert AttachmentInfo is Attachment
