"""From responses to deltas: one reading for the plain answer and the streamed one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backboard_server.domain.prompts import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
)
from backboard_server.providers._calls import OpenedCalls
from backboard_server.providers._failures import Failure

from .chunks import Candidate, Chunk, decode, decode_all, usage_of
from .sidecar import SidecarDraft

# ai.google.dev/api/generate-content#FinishReason; what is not here ends an answer like STOP.
_REASONS: dict[str, FinishReason] = {
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
}
_MISTAKES = frozenset(
    {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"}
)
_UNSIGNED = "MISSING_THOUGHT_SIGNATURE"
_UNNAMED = "OTHER"
_BLOCKED = "PROHIBITED_CONTENT"
_NOTHING = (b"", b"null")


def read_whole(body: bytes) -> Iterator[Delta]:
    """Yield the deltas of a plain answer, Finish last; raises Failure."""
    answer = StreamedAnswer()
    for chunk in decode_all(body):
        yield from answer.take_chunk(chunk)
    yield from answer.finish(is_whole=True)


class StreamedAnswer:
    """Reads the chunks of one answer in order; the last that counts is the one with a finish reason."""

    def __init__(self) -> None:
        self.is_complete = False
        self._reason: str | None = None
        self._explanation = ""
        self._has_spoken = False
        self._calls = OpenedCalls()
        self._sidecar = SidecarDraft()
        self._usage: bytes | None = None
        self._model: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the finish reason is known; only counts may follow."""
        return self._reason is not None

    def take(self, payload: bytes) -> Sequence[Delta]:
        """Return what one event adds; raises Failure for an error event and for what is no chunk."""
        return self.take_chunk(decode(payload))

    def take_chunk(self, chunk: Chunk) -> Sequence[Delta]:
        """Return what a chunk adds."""
        if len(chunk.usage_metadata):
            self._usage = bytes(chunk.usage_metadata)
        self._model = chunk.model_version or self._model
        deltas: list[Delta] = []
        if self._reason is None:
            if chunk.candidates:
                deltas = self._said(chunk.candidates[0])
            elif chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
                self._reason = _BLOCKED
        self.is_complete = self._reason is not None and self._usage is not None
        return deltas

    def finish(self, *, is_whole: bool = False) -> Sequence[Delta]:
        """Return the Finish; raises Failure where the stream broke off, and where the model made a mistake.

        With `is_whole` the response came to its end, and a missing finish reason cut nothing off.
        """
        reported = self._reason
        if reported is None:
            if not is_whole:
                raise Failure("truncated", "the stream stopped before its finish reason")
            if not self._has_spoken:
                raise Failure("malformed", "an answer without a candidate")
        reason = self._reason_of(reported or "STOP")
        return (Finish(reason, usage_of(self._usage), self._model, self._sidecar.whole(self._model)),)

    def _said(self, candidate: Candidate) -> list[Delta]:
        deltas: list[Delta] = []
        content = candidate.content
        for part in (content.parts if content else None) or ():
            signature = part.thought_signature
            if len(part.inline_data):
                continue  # with its signature, which fits nothing that we keep
            if part.function_call is not None:
                call = part.function_call  # generations before 3 give no ids
                deltas.append(self._calls.open(call.id, call.name, _arguments(bytes(call.args))))
                self._sidecar.take_call(signature)
            elif part.thought:
                self._sidecar.take_thought(part.text or "", signature)
                if part.text:
                    deltas.append(ReasoningDelta(part.text))
            elif part.text is not None or signature:
                self._sidecar.take_text(part.text or "", signature)
                if part.text:
                    deltas.append(TextDelta(part.text))
        if deltas:
            self._has_spoken = True
        self._reason = candidate.finish_reason
        if candidate.finish_message:
            self._explanation = candidate.finish_message
        return deltas

    def _reason_of(self, reported: str) -> FinishReason:
        if reported in _REASONS:
            return _REASONS[reported]
        said = f"it ended its answer with {reported}. {self._explanation}".rstrip()
        if reported == _UNSIGNED:
            raise Failure("rejected_request", said)
        if reported in _MISTAKES or (reported == _UNNAMED and not self._has_spoken):
            raise Failure("failed", said)
        return "tool_calls" if self._calls else "stop"


def _arguments(raw: bytes) -> str:
    """Return arguments on one line: the vendor breaks and indents those of a plain answer."""
    if raw in _NOTHING:
        return "{}"
    try:
        return msgspec.json.format(raw, indent=-1).decode()
    except RecursionError as error:
        raise Failure("malformed", "a tool call whose arguments are nested too deeply") from error
