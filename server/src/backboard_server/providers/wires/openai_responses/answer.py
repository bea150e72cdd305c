"""From responses and their events to deltas: one reading for the plain answer and the streamed one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backboard_server.domain.prompts import Delta, Finish, FinishReason
from backboard_server.providers._failures import Failure, OtherProtocol

from .draft import Draft
from .events import (
    Event,
    Problem,
    Response,
    decode_event,
    decode_item,
    decode_output,
    decode_response,
    failure_of,
    usage_of,
)

_DONE = b"[DONE]"  # OpenAI has no such mark here, some gateways do

_TEXT = "response.output_text.delta"
_REFUSAL = "response.refusal.delta"
_SUMMARY = "response.reasoning_summary_text.delta"
_REASONING = "response.reasoning_text.delta"
_ARGUMENTS = "response.function_call_arguments.delta"
_ADDED = "response.output_item.added"
_DONE_ITEM = "response.output_item.done"
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_READ = _ENDS | {_TEXT, _REFUSAL, _SUMMARY, _REASONING, _ARGUMENTS, _ADDED, _DONE_ITEM, "error", ""}


def read_whole(body: bytes) -> Iterator[Delta]:
    """Yield the deltas of a plain answer, Finish last; raises Failure."""
    response = decode_response(body)
    _check(response)
    draft = Draft()
    yield from _output(response, draft)
    yield _finish(response, draft)


class StreamedAnswer:
    """Reads the events of one answer in order; complete is a stream with the event that ends it."""

    def __init__(self) -> None:
        self._draft = Draft()
        self._end: Response | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the last event was read."""
        return self._end is not None

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to come: the last event has the counts as well."""
        return self._end is not None

    def take(self, payload: bytes) -> Sequence[Delta]:
        """Return what one event adds; raises Failure for an error event and for what is no event."""
        if self._end is not None or payload == _DONE:
            return ()
        event = decode_event(payload, _READ)
        kind = event.type
        if kind == _TEXT:
            return self._draft.text(event.output_index, event.delta or "")
        if kind == _ARGUMENTS:
            return self._draft.arguments(event.output_index, event.delta or "")
        if kind == _SUMMARY:
            return self._draft.thought(event.output_index, event.summary_index, event.delta or "")
        if kind == _REASONING:
            return self._draft.thought(event.output_index, event.content_index, event.delta or "")
        if kind == _REFUSAL:
            return self._draft.refusal(event.output_index, event.delta or "")
        return self._take_frame(event)

    def finish(self) -> Sequence[Delta]:
        """Return the Finish; raises Failure where the stream broke off."""
        if self._end is None:
            raise Failure("truncated", "the stream stopped before its last event")
        return (_finish(self._end, self._draft),)

    def _take_frame(self, event: Event) -> Sequence[Delta]:
        """Return what an event adds that is no piece of an item but begins or ends one, or the answer."""
        if event.type in (_ADDED, _DONE_ITEM):
            item = decode_item(event.item)
            if item is None:
                return ()
            step = self._draft.open if event.type == _ADDED else self._draft.close
            return tuple(step(event.output_index, item))
        if event.type in _ENDS:
            response = event.response or Response()
            _check(response)
            self._end = response
            return tuple(_output(response, self._draft)) if self._draft.is_empty else ()
        if event.type == "error" or event.error is not None:
            raise failure_of(event.error or Problem(event.message, None, event.code))
        if bytes(event.choices):
            raise OtherProtocol
        return ()


def _check(response: Response) -> None:
    """Raise Failure for a response that is no answer."""
    if response.error is not None or response.status == "failed":
        raise failure_of(response.error)
    if bytes(response.choices):
        raise OtherProtocol
    if response.status not in ("completed", "incomplete"):
        raise Failure("malformed", f"a response whose status is {response.status}")


def _output(response: Response, draft: Draft) -> Iterator[Delta]:
    for place, item in enumerate(decode_output(response.output)):
        if item is not None:
            yield from draft.close(place, item)


def _finish(response: Response, draft: Draft) -> Finish:
    if draft.is_empty and response.status == "completed":
        raise Failure("malformed", "an answer without any output")
    draft.check()
    return Finish(_reason(response, draft), usage_of(response.usage), response.model, draft.sidecar())


def _reason(response: Response, draft: Draft) -> FinishReason:
    """Return the finish reason: `tool_calls` exactly where an answer is complete and has some."""
    if response.status == "incomplete":
        reason = response.incomplete_details.reason if response.incomplete_details else None
        return "content_filter" if reason == "content_filter" else "length"
    if draft.has_calls:
        return "tool_calls"
    return "content_filter" if draft.was_refused else "stop"
