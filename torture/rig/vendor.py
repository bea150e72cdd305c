"""The model vendor of the torture: OpenAI at the wire, whose answers follow from the questions.

It keeps, for each question, how far it is with it: that is how a kill is told which phase it hit.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Literal

from msgspec.structs import replace

from fake_vendor import Answer, CalledTool
from fake_vendor.connection import Connection, Request
from fake_vendor.dialects.openai_chat import OpenAIChat
from fake_vendor.loopback import Loopback
from fake_vendor.play import steps_of
from fake_vendor.refusals import problem_response
from fake_vendor.steps import Steps, json_response
from fake_vendor.terms import Asked, Problem

from .sayings import Question, question_in

State = Literal["asked", "speaking", "said"]

_DIALECT = OpenAIChat()
_MODELS = ("gpt-4o",)


class Speech:
    """One answer that the vendor was asked for: its question, how far it is, and when the server hung up."""

    def __init__(self, question: Question) -> None:
        """Begin with nothing said."""
        self.question = question
        self.state: State = "asked"
        self.left_at: float | None = None

    def leave(self) -> None:
        """Take note that nobody listens any more, if there is more to say."""
        if self.state != "said":
            self.left_at = time.time()


class Vendor(Loopback):
    """The vendor on a loopback port, inside `async with`.

    `speeches` has the latest speech for each nonce, `asked` counts how often each was asked for, `refusals`
    are sentences about requests that a real vendor would have refused.
    """

    def __init__(self) -> None:
        """Begin without having been asked."""
        super().__init__()
        self.speeches: dict[str, Speech] = {}
        self.asked: Counter[str] = Counter()
        self.refusals: list[str] = []

    @property
    def base_url(self) -> str:
        """Where the server finds it, as `OPENAI_BASE_URL` wants it."""
        return f"{self.root_url}/v1"

    def _connect(self) -> _Line:
        return _Line(self)

    def take(self, request: Request) -> tuple[Steps, Speech | None]:
        """Return how a request is answered, and the speech that this is, where it is one."""
        match _DIALECT.purpose(request):
            case "models":
                return iter((json_response(200, _DIALECT.models(_MODELS, request)),)), None
            case "answer":
                return self._answer(_DIALECT.parse(request))
            case None:
                return iter((json_response(404, {"message": "unknown path"}),)), None

    def _answer(self, asked: Asked) -> tuple[Steps, Speech | None]:
        if reason := _DIALECT.refusal(asked):
            self.refusals.append(reason)
            return iter((problem_response(Problem(400, "invalid", reason), _DIALECT),)), None
        question = question_in(asked.last_user_text)
        if question is None:
            return steps_of(Answer(text="A summary of what was said."), asked, _DIALECT), None
        speech = self.speeches[question.nonce] = Speech(question)
        self.asked[question.nonce] += 1
        answer = answer_to(question, asked.body["messages"])
        return _spoken(speech, steps_of(answer, asked, _DIALECT)), speech


def answer_to(question: Question, messages: list[dict[str, Any]]) -> Answer:
    """Return the model's next answer: its calls at first, and the text once all of them have an output."""
    asked_at = max(place for place, message in enumerate(messages) if message["role"] == "user")
    outputs: dict[str, str] = {
        message["tool_call_id"]: message["content"]
        for message in messages[asked_at:]
        if message["role"] == "tool"
    }
    ids = question.call_ids()
    answer = Answer(
        first_byte_delay_seconds=question.first_milliseconds / 1000,
        chunk_delay_seconds=question.pace_milliseconds / 1000,
    )
    if all(call_id in outputs for call_id in ids):
        return replace(answer, text=question.answer([outputs[call_id] for call_id in ids]))
    calls = [
        CalledTool(name, f'{{"of": "{question.nonce}"}}', call_id)
        for name, call_id in zip(question.calls, ids, strict=True)
    ]
    return replace(answer, tool_calls=tuple(calls))


def _spoken(speech: Speech, steps: Steps) -> Steps:
    """Yield the steps of an answer, and keep how far it is."""
    for step in steps:
        yield step
        if isinstance(step, bytes) and speech.state == "asked":
            speech.state = "speaking"
    speech.state = "said"


class _Line(Connection):
    """A connection that knows what is being said over it."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(self._take, vendor.connections)
        self._vendor = vendor
        self._speech: Speech | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of when the server hung up; asyncio calls this."""
        super().connection_lost(exc)
        if self._speech is not None:
            self._speech.leave()

    def _take(self, request: Request) -> Steps:
        steps, self._speech = self._vendor.take(request)
        return steps
