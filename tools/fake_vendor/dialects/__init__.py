"""The dialects: one file for each protocol that vendors speak, and the registry that names them.

The vendor plays the same script in each: what fails, and when, is decided in `play`, `breaks`, `bends` and
`refusals`, in neutral terms (`terms.py`); a dialect only says how that sounds. It does no I/O, keeps no
state, and shares nothing with the code under test. To add one, write `dialects/<name>.py` with a class that
has the members of `Dialect`, and add an instance to `DIALECTS`. Its name is that of the wire that it is the
far end of.

What is spoken is taken from `wording.py`: `text_of`, `text_pieces`, `pieces`, `argument_pieces`, `call_id`
and `tokens_of`, so that the same script means the same in every dialect; `steps.sse` makes an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from fake_vendor.connection import Request
from fake_vendor.script import Answer, Fault
from fake_vendor.terms import Asked, Frame, Json, Problem, Purpose

from .anthropic import Anthropic
from .bedrock import Bedrock
from .gemini import Gemini
from .openai_chat import OpenAIChat
from .openai_responses import OpenAIResponses


class Dialect(Protocol):
    """One protocol. Its docstring names the vendor's page from which each part was taken."""

    @property
    def name(self) -> str:
        """That of the wire, as in the server's `WIRES`."""
        ...

    @property
    def stream_content_type(self) -> str:
        """The content type of a streamed answer."""
        ...

    @property
    def frame_beginning(self) -> bytes:
        """How a frame begins that never ends; the vendor then sends `x` without end."""
        ...

    @property
    def idle(self) -> bytes | None:
        """A frame, encoded, that only keeps the connection alive, or None where there is no such thing."""
        ...

    def purpose(self, request: Request) -> Purpose | None:
        """Return what a request wants of this dialect, or None: it is another's.

        Look at `method`, at `route` (the path without its query, as it came: unquote what you take from it)
        and, where two dialects share a path, at the headers. Dialects are asked in the order of `DIALECTS`.
        """
        ...

    def parse(self, request: Request) -> Asked:
        """Return what is asked.

        Any msgspec error, ValueError, KeyError or TypeError becomes a 400; raise `Refused` for another
        status, such as a signature that does not fit.
        """
        ...

    def refusal(self, asked: Asked) -> str | None:
        """Return why the real vendor would answer 400 to this request, in its words, or None.

        Here belong the checks that a history from another vendor would fail: orphaned tool calls, missing
        signatures, roles out of order, parts that the model does not take.
        """
        ...

    def credential(self, headers: Mapping[str, str]) -> str:
        """Return what the request proves itself with (header names are in lower case), or an empty text."""
        ...

    def models(self, names: tuple[str, ...], request: Request) -> Json:
        """Return the list of models; a vendor that lists in pages looks at the request's query."""
        ...

    def body(self, answer: Answer, asked: Asked) -> Json:
        """Return the plain answer.

        `answer.finish_reason` is `stop`, `length`, `tool_calls` or `content_filter`, translated here; any
        other word is sent as it is. Where arguments are an object and not a text, decode them with msgspec
        and let its error out: the vendor then knows that it cannot fail like this. `answer.signature` is the
        vendor's seal on the reasoning, or on the first tool call where there is no reasoning.
        """
        ...

    def frames(self, answer: Answer, asked: Asked) -> list[Frame]:
        """Return the streamed answer, with the frames that only mark its end (kind `mark`) last."""
        ...

    def encode(self, frame: Frame) -> bytes:
        """Return a frame as its bytes; the payload may be any JSON, as faults replace it."""
        ...

    def said(self, text: str, asked: Asked) -> Frame:
        """Return a frame that adds text to an answer whose text has begun."""
        ...

    def ended(self, reason: str, asked: Asked) -> Frame:
        """Return a frame of kind `final` with a reason, in the words of `Answer.finish_reason`."""
        ...

    def odd_body(self, fault: Fault, body: Json) -> Json | None:
        """Return the plain answer as a fault of `ODDITIES` leaves it; None: no such fault in this dialect.

        EMPTY_CHOICES is an answer with no candidate or content in it at all, NULL_CONTENT one whose texts
        are null, USAGE_MISSING one without counts.
        """
        ...

    def odd_frames(self, fault: Fault, frames: list[Frame], asked: Asked) -> list[Frame] | None:
        """Return the streamed answer as a fault of `ODDITIES` leaves it; None as above."""
        ...

    def error_body(self, problem: Problem) -> Json:
        """Return an error in the vendor's shape."""
        ...

    def error_lines(self, problem: Problem) -> tuple[str, ...]:
        """Return further header lines of an error response, such as `x-amzn-ErrorType: …`."""
        ...

    def error_frames(self, problem: Problem, asked: Asked, *, is_first: bool) -> list[Frame]:
        """Return what a stream ends with when it fails: at once, or after half of the answer."""
        ...


ODDITIES = frozenset({Fault.EMPTY_CHOICES, Fault.NULL_CONTENT, Fault.USAGE_MISSING})

DIALECTS: tuple[Dialect, ...] = (Anthropic(), Bedrock(), Gemini(), OpenAIChat(), OpenAIResponses())
