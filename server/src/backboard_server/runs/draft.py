"""The answer of a step while it is written: deltas go in, events come out, the whole is there at any time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from msgspec import Struct

from backboard_server.domain import events
from backboard_server.domain.events import Event, RunIds, ToolCallView, ToolFunction
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    Prompt,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from backboard_server.domain.runs import Attempt, Retry

_CHARACTERS_PER_TOKEN = 4  # as a running guess; what is stored is the provider's own count
_UNSTORABLE = str.maketrans({"\0": "\ufffd"})  # Postgres stores every character but NUL


class Said(Struct, frozen=True):
    """What a run said and thought in the steps before, since it began or went on."""

    content: str = ""
    reasoning: str = ""


class Draft:
    """What the models have said so far in one step of a run, and which of them it is that speaks."""

    def __init__(
        self,
        ids: RunIds,
        choice: ModelChoice,
        *,
        is_held: bool = False,
        hides_reasoning: bool = False,
        before: Said = Said(),  # noqa: B008 - it is frozen
    ) -> None:
        """`ids` are put on every event. If it `is_held`, text is kept back until `release`.

        With `hides_reasoning` thoughts are dropped, as hosts send them whether they are wanted or not.
        `shown` is the prompt that was asked with last; moments are those of the process's own clock.
        """
        self.before = before
        self.shown: Prompt | None = None
        self.asked_at: float | None = None
        self.first_delta_at: float | None = None
        self.choice = choice
        self.attempts: list[Attempt] = []
        self.retries: list[Retry] = []
        self.finish: Finish | None = None
        self.reasoning = ""
        self.ids = ids
        self._is_held = is_held
        self._hides_reasoning = hides_reasoning
        self._texts: list[str] = []
        self._calls: dict[int, _CallDraft] = {}
        self._checked_calls: tuple[ToolCall, ...] | None = None
        self._is_reasoning = False
        self._characters = 0
        self._earlier_usage: Usage | None = None

    @property
    def content(self) -> str:
        """The text of the answer so far."""
        return "".join(self._texts)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls so far, in the order in which the model numbered them, or as they were checked."""
        if self._checked_calls is not None:
            return self._checked_calls
        return tuple(self._calls[index].whole() for index in sorted(self._calls))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said yet, so that another attempt would not repeat anything."""
        return not (self._texts or self.reasoning or self._calls)

    @property
    def said(self) -> Said:
        """All that was said and thought up to now, the steps before included."""
        return Said(self.before.content + self.content, self.before.reasoning + self.reasoning)

    @property
    def told(self) -> Said:
        """What clients have heard of it: all but the text that is held back."""
        return Said(self.before.content, self.said.reasoning) if self._is_held else self.said

    @property
    def usage(self) -> Usage | None:
        """What the provider counted over all calls of this draft, if it has."""
        counted = self.finish.usage if self.finish else None
        if counted is None or self._earlier_usage is None:
            return counted or self._earlier_usage
        return self._earlier_usage.plus(counted)

    @property
    def estimated_tokens(self) -> int:
        """About how many tokens were written so far in this round, thoughts included."""
        return self._characters // _CHARACTERS_PER_TOKEN

    def start_over(self) -> None:
        """Forget the text, which was held back and is no good; what it cost stays counted."""
        self._texts.clear()
        self.ask_again()

    def ask_again(self) -> None:
        """Forget the calls of tools, which cannot be executed, and keep what was said beside them."""
        self._earlier_usage = self.usage
        self._calls.clear()
        self._characters = 0
        self.finish = None

    def ready(self, calls: Sequence[ToolCall]) -> Iterator[Event]:
        """Take the calls as they were checked, and say that they can be executed."""
        self._checked_calls = tuple(calls)
        for view in views(self._checked_calls):
            yield events.ToolCallReady(
                thread_id=self.ids.thread_id,
                assistant_id=self.ids.assistant_id,
                run_id=self.ids.run_id,
                tool_call=view,
            )

    def release(self, content: str) -> Iterator[Event]:
        """Say `content` in place of the text that was held back."""
        self._texts[:] = [content]
        self._is_held = False
        if content:
            yield self._said(content)

    def add(self, delta: Delta) -> Iterator[Event]:
        """Take in a delta and yield what the client is to learn of it."""
        if self.first_delta_at is None:
            self.first_delta_at = time.monotonic()
        if isinstance(delta, TextDelta):
            yield from self._end_reasoning()
            text = delta.text.translate(_UNSTORABLE) if "\0" in delta.text else delta.text
            self._texts.append(text)
            self._characters += len(text)
            if not self._is_held:
                yield self._said(text)
        elif isinstance(delta, ReasoningDelta):
            self._characters += len(delta.text)  # paid for, whether shown or not
            if not self._hides_reasoning:
                yield self._reason(delta.text.translate(_UNSTORABLE))
        elif isinstance(delta, ToolCallDelta):
            yield from self._end_reasoning()
            yield from self._call(delta)
        else:
            yield from self._end_reasoning()
            self.finish = delta

    def _said(self, text: str) -> Event:
        ids = self.ids
        return events.ContentStreaming(
            thread_id=ids.thread_id, assistant_id=ids.assistant_id, run_id=ids.run_id, content=text
        )

    def _reason(self, text: str) -> Event:
        self._is_reasoning = True
        self.reasoning += text
        return events.ReasoningStreaming(
            thread_id=self.ids.thread_id,
            assistant_id=self.ids.assistant_id,
            run_id=self.ids.run_id,
            content=text,
            accumulated_reasoning=self.before.reasoning + self.reasoning,
        )

    def _end_reasoning(self) -> Iterator[Event]:
        if self._is_reasoning:
            self._is_reasoning = False
            yield events.ReasoningEnded(
                thread_id=self.ids.thread_id, assistant_id=self.ids.assistant_id, run_id=self.ids.run_id
            )

    def _call(self, delta: ToolCallDelta) -> Iterator[Event]:
        draft = self._calls.get(delta.index)
        if draft is None:
            draft = self._calls[delta.index] = _CallDraft(
                (delta.id or "").translate(_UNSTORABLE), (delta.name or "").translate(_UNSTORABLE)
            )
            yield events.ToolCallStart(
                thread_id=self.ids.thread_id,
                assistant_id=self.ids.assistant_id,
                run_id=self.ids.run_id,
                tool_call_id=draft.id,
                name=draft.name,
            )
        self._characters += len(delta.arguments)
        draft.arguments.append(delta.arguments.translate(_UNSTORABLE))


class _CallDraft:
    """A tool call whose arguments are still arriving."""

    def __init__(self, call_id: str, name: str) -> None:
        self.id = call_id
        self.name = name
        self.arguments: list[str] = []

    def whole(self) -> ToolCall:
        return ToolCall(self.id, self.name, "".join(self.arguments) or "{}")


def views(calls: tuple[ToolCall, ...]) -> list[ToolCallView]:
    """Return tool calls in the shape that clients know."""
    return [ToolCallView(id=call.id, function=ToolFunction(call.name, call.arguments)) for call in calls]
