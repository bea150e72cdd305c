"""From messages and stream events to deltas: one reading for the plain answer and the streamed one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

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

from .events import (
    Block,
    Counts,
    Message,
    Piece,
    counts_of,
    decode_event,
    decode_message,
    explanation_of,
    failure_of,
    merged,
    usage_of,
)
from .sidecar import BlockKind, KeptBlock, sidecar_of

# platform.claude.com/docs, "Stop reasons and fallback"; `pause_turn` belongs to tools that the vendor runs.
_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "refusal": "content_filter",
}


def read_whole(body: bytes) -> Iterator[Delta]:
    """Yield the deltas of a plain answer, Finish last; raises Failure."""
    message = decode_message(body)
    if message.content is None or not (message.content or message.stop_reason):
        raise Failure("malformed", "an answer without content")
    blocks = _Blocks()
    for index, block in enumerate(message.content):
        yield from blocks.begin(index, block)
        yield from blocks.end(index)
    yield from blocks.finish(_Ending(message))


class StreamedAnswer:
    """Reads the events of one answer in order.

    Complete is a stream with a stop reason, or one that said something and then `message_stop`.
    What comes after the stop reason is not read.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._blocks = _Blocks()
        self._ending = _Ending()

    @property
    def has_ended(self) -> bool:
        """Whether the stop reason is known; it comes together with the counts."""
        return self._ending.stop_reason is not None

    def take(self, payload: bytes) -> Sequence[Delta]:
        """Return what one event adds; raises Failure for an error event and for what is no event."""
        event = decode_event(payload)
        kind = event.type
        if kind == "error":
            raise failure_of(event.error)
        if kind == "message_stop":
            self.is_complete = True
        elif self._ending.stop_reason is not None:
            return ()
        elif kind == "content_block_delta" and event.delta is not None:
            return self._blocks.add(event.index, event.delta)
        elif kind == "content_block_start" and event.content_block is not None:
            return self._blocks.begin(event.index, event.content_block)
        elif kind == "content_block_stop":
            return self._blocks.end(event.index)
        elif kind == "message_start" and event.message is not None:
            self._ending.take(event.message)
        elif kind == "message_delta":
            self._ending.take(Message(usage=event.usage))
            self._ending.stop(event.delta or Piece())
        return ()

    def finish(self) -> Sequence[Delta]:
        """Return the last deltas; raises Failure where the stream broke off."""
        if not self.has_ended:
            if not self.is_complete:
                raise Failure("truncated", "the stream stopped before its end mark")
            if not self._blocks.has_spoken:
                raise Failure("malformed", "an answer without content")
        return self._blocks.finish(self._ending)


class _Ending:
    """What is known of an answer beside its content: its model, its counts, and why it stopped."""

    def __init__(self, message: Message | None = None) -> None:
        self.model: str | None = None
        self.counts: Counts | None = None
        self.stop_reason: str | None = None
        self.explanation: str | None = None
        if message is not None:
            self.take(message)
            self.stop(Piece(stop_reason=message.stop_reason, stop_details=message.stop_details))

    def take(self, message: Message) -> None:
        self.model = message.model or self.model
        self.counts = merged(self.counts, counts_of(message.usage))

    def stop(self, piece: Piece) -> None:
        self.stop_reason = piece.stop_reason
        self.explanation = explanation_of(piece.stop_details)


class _Call:
    """A tool call; `given` are the arguments with which it began, for a host that sends no others."""

    __slots__ = ("given", "has_arguments", "index")

    def __init__(self, index: int, given: str) -> None:
        self.index = index
        self.given = given
        self.has_arguments = False


class _Draft:
    """A block while it is read; its pieces are joined once, at the end."""

    __slots__ = ("data", "kind", "length", "signatures", "thoughts")

    def __init__(self, kind: BlockKind, *, data: str = "") -> None:
        self.kind: BlockKind = kind
        self.data = data
        self.length = 0
        self.thoughts: list[str] = []
        self.signatures: list[str] = []

    def kept(self) -> KeptBlock:
        return KeptBlock(
            self.kind,
            thinking="".join(self.thoughts),
            signature="".join(self.signatures),
            data=self.data,
            length=self.length,
        )


class _Blocks:
    """The blocks of one answer, by the vendor's index; kinds that are not known here are passed over."""

    def __init__(self) -> None:
        self.has_spoken = False
        self._drafts: dict[int, _Draft] = {}
        self._calls: dict[int, _Call] = {}
        self._opened = OpenedCalls()

    def begin(self, index: int, block: Block) -> list[Delta]:
        """Return what a block says as it begins."""
        if index in self._drafts:
            return []
        match block.type:
            case "text" | "thinking":
                self._drafts[index] = _Draft(block.type)
                said = Piece(text=block.text, thinking=block.thinking, signature=block.signature)
                return self.add(index, said)
            case "redacted_thinking":
                self._drafts[index] = _Draft("redacted_thinking", data=block.data or "")
                return []
            case "tool_use":
                self._drafts[index] = _Draft("tool_use")
                return [self._open(index, block)]
            case _:
                return []

    def add(self, index: int, piece: Piece) -> list[Delta]:
        """Return what is added to a block."""
        draft = self._drafts.get(index)
        if draft is None:
            return []
        if draft.kind == "text" and piece.text:
            self.has_spoken = True
            draft.length += len(piece.text)
            return [TextDelta(piece.text)]
        if draft.kind == "tool_use" and piece.partial_json:
            call = self._calls[index]
            call.has_arguments = True
            return [ToolCallDelta(call.index, piece.partial_json)]
        if draft.kind == "thinking" and piece.signature:
            draft.signatures.append(piece.signature)
        if draft.kind == "thinking" and piece.thinking:
            draft.thoughts.append(piece.thinking)
            return [ReasoningDelta(piece.thinking)]
        return []

    def end(self, index: int) -> list[Delta]:
        """Return what a block says as it ends: the arguments of a call for which none were streamed."""
        call = self._calls.get(index)
        if call is None or call.has_arguments:
            return []
        call.has_arguments = True
        return [ToolCallDelta(call.index, call.given)]

    def finish(self, ending: _Ending) -> list[Delta]:
        """Return the last deltas, Finish included."""
        deltas = [delta for index in self._calls for delta in self.end(index)]
        reason = self._reason(ending.stop_reason or "end_turn")
        if reason == "content_filter":
            if ending.explanation and not self.has_spoken:
                deltas.append(TextDelta(ending.explanation))
            # A refused turn is not to be sent again ("Streaming refusals"), and less so its thoughts.
            sidecar = None
        else:
            sidecar = sidecar_of([draft.kept() for draft in self._drafts.values()], ending.model)
        return [*deltas, Finish(reason, usage_of(ending.counts), ending.model, sidecar)]

    def _open(self, index: int, block: Block) -> Delta:
        delta = self._opened.open(block.id, block.name)
        self.has_spoken = True
        self._calls[index] = _Call(delta.index, _arguments(block.input))
        return delta

    def _reason(self, reported: str) -> FinishReason:
        """Return the finish reason: `tool_calls` exactly where there are some, whatever the host calls it."""
        reason = _REASONS.get(reported, "stop")
        if reason in {"stop", "tool_calls"}:
            return "tool_calls" if self._calls else "stop"
        return reason


def _arguments(given: msgspec.Raw) -> str:
    text = bytes(given).decode("utf-8", "replace")
    return "{}" if text in {"", "null"} else text
