"""From completions and chunks to deltas: one reading for the plain answer and the streamed one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backboard_server.domain.prompts import Delta, Finish, FinishReason, ReasoningDelta, TextDelta
from backboard_server.providers._failures import Failure

from .calls import Calls
from .chunks import Part, Saying, decode, usage_of
from .sidecar import SidecarDraft

_DONE = b"[DONE]"

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",  # Mistral
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def read_whole(body: bytes) -> Iterator[Delta]:
    """Yield the deltas of a plain answer, Finish last; raises Failure."""
    completion = decode(body)
    choice = completion.choices[0] if completion.choices else None
    if choice is None or choice.message is None:
        raise Failure("malformed", "an answer without a choice")
    calls, sidecar = Calls(), SidecarDraft()
    yield from _said(choice.message)
    sidecar.take(choice.message)
    for piece in choice.message.tool_calls or ():
        for delta in calls.add(piece):
            sidecar.take_call(piece, delta.id or "")
            yield delta
    calls.check()
    reason = _reason(choice.finish_reason or "stop", calls)
    kept = sidecar.whole(has_calls=bool(calls))
    yield Finish(reason, usage_of(completion.usage), completion.model, kept)


class StreamedAnswer:
    """Reads the chunks of one answer in order.

    Complete is a stream with a finish reason, or one that said something and then `[DONE]`.
    What comes after the finish reason is read for its usage alone.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._calls = Calls()
        self._sidecar = SidecarDraft()
        self._finish_reason: str | None = None
        self._has_spoken = False
        self._usage: object = None
        self._model: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the finish reason is known; only usage may follow."""
        return self._finish_reason is not None

    def take(self, payload: bytes) -> Sequence[Delta]:
        """Return what one event adds; raises Failure for an error event and for what is no chunk."""
        # What follows the mark in the same bytes is as unread as what would follow in later ones.
        if self.is_complete or payload == _DONE:
            self.is_complete = True
            return ()
        chunk = decode(payload)
        self._model = chunk.model or self._model
        self._usage = chunk.usage or self._usage
        if self._finish_reason is not None or not chunk.choices:
            return ()
        choice = chunk.choices[0]
        self._finish_reason = choice.finish_reason
        saying = choice.delta
        if saying is None:
            return ()
        deltas = _said(saying)
        if saying.reasoning_content or saying.reasoning_details:
            self._sidecar.take(saying)
        for piece in saying.tool_calls or ():
            for delta in self._calls.take(piece):
                if delta.id:
                    self._sidecar.take_call(piece, delta.id)
                deltas.append(delta)
        if deltas:
            self._has_spoken = True
        return deltas

    def finish(self) -> Sequence[Delta]:
        """Return the Finish; raises Failure where the stream broke off."""
        reason = self._finish_reason
        if reason is None:
            if not self.is_complete:
                raise Failure("truncated", "the stream stopped before its end mark")
            if not self._has_spoken:
                raise Failure("malformed", "an answer without a choice")
        self._calls.check()
        kept = self._sidecar.whole(has_calls=bool(self._calls))
        return (Finish(_reason(reason or "stop", self._calls), usage_of(self._usage), self._model, kept),)


def _said(saying: Saying) -> list[Delta]:
    deltas: list[Delta] = []
    reasoning = saying.reasoning_content or saying.reasoning
    if reasoning:
        deltas.append(ReasoningDelta(reasoning))
    content = saying.content
    if isinstance(content, list):
        deltas.extend(_parts(content))
    elif content:
        deltas.append(TextDelta(content))
    if saying.refusal:
        deltas.append(TextDelta(saying.refusal))
    return deltas


def _parts(parts: list[Part]) -> Iterator[Delta]:
    for part in parts:
        if thought := "".join(piece.text for piece in part.thinking):
            yield ReasoningDelta(thought)
        if part.text:
            yield TextDelta(part.text)


def _reason(reported: str, calls: Calls) -> FinishReason:
    """Return the finish reason: `tool_calls` exactly where there are some, whatever the host calls it."""
    if reported == "error":
        raise Failure("failed", "it ended its answer with an error")
    reason = _REASONS.get(reported, "stop")
    if reason in {"stop", "tool_calls"}:
        return "tool_calls" if calls else "stop"
    return reason
