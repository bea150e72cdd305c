from __future__ import annotations

from datetime import datetime, timezone

import pytest

from backboard import BackboardResponseError, ChatMessagesResponse, MemoryStats
from backboard._answers import flat_answer, parse, parse_dict, parse_list

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)


def test_an_answer_becomes_the_model_that_was_promised() -> None:
    assert parse(MemoryStats, {"total_memories": 3}).total_memories == 3
    assert [stats.total_memories for stats in parse_list(MemoryStats, [{}, {"total_memories": 1}])] == [0, 1]


def test_a_dict_stays_the_dict_that_it_is() -> None:
    answer = {"success": True}

    assert parse_dict(answer) is answer


def test_a_field_of_the_wrong_type_is_named_and_the_answer_kept() -> None:
    answer = {"total_memories": "many"}

    with pytest.raises(BackboardResponseError, match="total_memories") as raised:
        parse(MemoryStats, answer)

    assert raised.value.body is answer


def test_an_answer_of_another_kind_is_an_error() -> None:
    with pytest.raises(BackboardResponseError, match="list of MemoryStats"):
        parse_list(MemoryStats, {})
    with pytest.raises(BackboardResponseError, match="not an object"):
        parse_dict([])


@pytest.mark.parametrize(
    ("event_type", "status", "role"),
    [
        ("run_ended", "COMPLETED", "assistant"),
        ("tool_submit_required", "REQUIRES_ACTION", "assistant"),
        ("run_cancelled", "CANCELLED", "assistant"),
        ("message_saved", "COMPLETED", "user"),
    ],
)
def test_the_end_of_a_stream_is_an_answer_too(event_type: str, status: str, role: str) -> None:
    thread_id = "018f2b6a-0000-7000-8000-000000000002"
    last = {"type": event_type, "thread_id": thread_id, "status": "completed", "content": "Hi"}

    last_message = parse(ChatMessagesResponse, flat_answer(last, NOW)).last

    assert (last_message.status, last_message.role, last_message.content) == (status, role, "Hi")
    assert (str(last_message.thread_id), last_message.timestamp) == (thread_id, NOW)
