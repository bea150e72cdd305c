"""Events of one run as tests write them, to be logged and read back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from backboard_server.domain import events
from backboard_server.domain.events import ContextUsage, Event, RunIds, ToolCallView, ToolFunction
from backboard_server.domain.memories import RetrievedMemory
from backboard_server.domain.messages import Attachment
from backboard_server.domain.runs import Attempt

IDS = RunIds("thread", "assistant", "run")
WHERE: dict[str, Any] = {"thread_id": "thread", "assistant_id": "assistant", "run_id": "run"}
NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
ODD = '\x01\t\r\n\x7f\x85\u2028\u2029\ufeff\ufffd\ud7ff\U0010ffff "\\u0000\\ é e\u0301 👩\u200d👧 \u202e'
FILE = Attachment(document_id=UUID(int=7), filename=ODD, status="pending", file_size_bytes=2**40, summary=ODD)
ATTEMPTS = [
    Attempt(model_provider="openai", model_name="gpt-x", error_code="provider_failed", error=ODD),
    Attempt(model_provider="anthropic", model_name="claude-x"),
]
RECALLED = RetrievedMemory(
    id="memory", memory=ODD, content=ODD, score=0.5, said_at=NOW, kind="fact", matched_words=(ODD,)
)
CALL = ToolCallView(id="call_1", function=ToolFunction(ODD, '{"at": "\\ud83d\\ude00"}'))


def said(text: str) -> Event:
    return events.ContentStreaming(**WHERE, content=text)


def thought(text: str, so_far: str) -> Event:
    return events.ReasoningStreaming(**WHERE, content=text, accumulated_reasoning=so_far)


def start(message_id: str) -> Event:
    return events.MessageStart(**WHERE, message_id=message_id)


def waiting(content: str, reasoning: str | None = None) -> Event:
    return events.ToolSubmitRequired(**_answered(content, reasoning), tool_calls=[CALL])


def ended(content: str, final: str, reasoning: str | None = None) -> Event:
    return events.RunEnded(**_answered(content, reasoning), final_content=final)


def _answered(content: str, reasoning: str | None) -> dict[str, Any]:
    return {
        **WHERE,
        "message_id": "answer",
        "content": content,
        "reasoning": reasoning,
        "model_provider": "openai",
        "model_name": "gpt-x",
        "input_tokens": 2**31,
        "output_tokens": 0,
        "total_tokens": 2**31,
        "cached_input_tokens": 1,
        "cache_write_input_tokens": 2,
        "reasoning_tokens": 3,
        "cost_usd": 1e-09,
        "attempts": ATTEMPTS,
        "retrieved_memories": [RECALLED],
        "attachments": [FILE],
        "context_usage": ContextUsage(
            percent=0.01, used_tokens=5, context_limit=7, summary_tokens=9, model="gpt-x"
        ),
        "created_at": NOW,
    }
