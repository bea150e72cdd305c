"""From Converse's answers to deltas: one reading for the plain answer and the streamed one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backboard_server.domain.prompts import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from backboard_server.providers._calls import OpenedCalls
from backboard_server.providers._failures import Failure

from .events import CalledTool, Content, arguments_of, decode_answer, decode_event, piece_of, usage_of
from .sidecar import SidecarDraft

BLOCKS_MAX = 4_096

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",  # `tool_calls` where there are some
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",  # Claude's own word
}
_BROKEN = frozenset({"malformed_model_output", "malformed_tool_use"})


class _Blocks:
    """The blocks of one answer: what each adds, and which tool call is which."""

    def __init__(self) -> None:
        self._draft = SidecarDraft()
        self._numbers: dict[int, int] = {}  # of the calls, from zero, by the index of their block
        self._without_arguments: set[int] = set()
        self._opened = OpenedCalls()

    def begin_call(self, index: int, call: CalledTool) -> ToolCallDelta | None:
        """Return the beginning of a call; None for one that has begun, or that the vendor runs itself."""
        if index in self._numbers or call.type:
            return None
        delta = self._opened.open(call.tool_use_id, call.name)
        self._numbers[index] = delta.index
        self._without_arguments.add(delta.index)
        self._draft.call(index, delta.id or "")
        return delta

    def add(self, index: int, content: Content) -> Delta | None:
        """Return what a piece adds to its block; None for kinds that are not known, and for seals."""
        if content.text is not None:
            if not content.text:
                return None
            self._draft.say(index, content.text)
            return TextDelta(content.text)
        if content.tool_use is not None:
            return self._add_arguments(index, content.tool_use)
        reasoning = content.reasoning_content
        if reasoning is None:
            return None
        if reasoning.redacted_content:
            self._draft.hide(index, reasoning.redacted_content)
            return None
        said = reasoning.reasoning_text
        text, signature = (said.text, said.signature) if said else (reasoning.text, reasoning.signature)
        self._draft.think(index, text, signature)
        return ReasoningDelta(text) if text else None

    def last(self) -> list[Delta]:
        """Return empty objects for the calls of which no arguments came: without parameters, none do."""
        return [ToolCallDelta(number, "{}") for number in sorted(self._without_arguments)]

    def finish(self, stop_reason: str, usage: object) -> Finish:
        """Return the Finish; what was refused is not to be sent again, and less so its thoughts."""
        reason = self._reason(stop_reason)
        sidecar = None if reason == "content_filter" else self._draft.whole()
        return Finish(reason, usage_of(usage), sidecar=sidecar)

    def _reason(self, reported: str) -> FinishReason:
        """Return the finish reason: `tool_calls` exactly where there are some, whatever the model says."""
        if reported in _BROKEN:
            raise Failure("failed", f"it ended its answer with {reported}")
        reason = _REASONS.get(reported, "stop")
        return "tool_calls" if reason == "stop" and self._numbers else reason

    def _add_arguments(self, index: int, call: CalledTool) -> ToolCallDelta | None:
        number = self._numbers.get(index)
        piece = piece_of(call.input)
        if number is None or not piece:
            return None
        self._without_arguments.discard(number)
        return ToolCallDelta(number, piece)


def read_whole(body: bytes) -> Iterator[Delta]:
    """Yield the deltas of a plain answer, Finish last; raises Failure."""
    answer = decode_answer(body)
    blocks = _Blocks()
    for index, content in enumerate(answer.output.message.content):
        called = content.tool_use
        if called is None:
            if delta := blocks.add(index, content):
                yield delta
        elif delta := blocks.begin_call(index, called):
            yield delta
            yield ToolCallDelta(delta.index, arguments_of(called.input))
    yield blocks.finish(answer.stop_reason, answer.usage)


class StreamedAnswer:
    """Reads the messages of one answer in order.

    Complete is a stream with a stop reason. Only the counts may follow, and after them nothing.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._blocks = _Blocks()
        self._stop_reason: str | None = None
        self._usage: object = None

    @property
    def has_ended(self) -> bool:
        """Whether the stop reason is known; only usage may follow."""
        return self._stop_reason is not None

    def take(self, payload: bytes) -> Sequence[Delta]:
        """Return what one message adds; raises Failure for an exception and for what is no message."""
        event = decode_event(payload)
        if event.metadata is not None:
            self._usage = event.metadata.usage
            self.is_complete = self.has_ended
            return ()
        if self.has_ended:
            return ()
        if event.message_stop is not None:
            self._stop_reason = event.message_stop.stop_reason
            return ()
        if block := event.content_block_delta:
            delta = self._blocks.add(_index(block.content_block_index), block.delta) if block.delta else None
        elif (block := event.content_block_start) and block.start and block.start.tool_use:
            delta = self._blocks.begin_call(_index(block.content_block_index), block.start.tool_use)
        else:
            return ()
        return (delta,) if delta else ()

    def finish(self) -> Sequence[Delta]:
        """Return the last deltas; raises Failure where the stream broke off."""
        if self._stop_reason is None:
            raise Failure("truncated", "the stream stopped before its end mark")
        return (*self._blocks.last(), self._blocks.finish(self._stop_reason, self._usage))


def _index(index: int) -> int:
    if not 0 <= index < BLOCKS_MAX:
        raise Failure("malformed", f"a block number beyond {BLOCKS_MAX:,}")
    return index
