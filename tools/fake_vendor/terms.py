"""The terms in which the faults and the dialects speak to each other, the same for every vendor."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Json = dict[str, Any]

Purpose = Literal["answer", "models"]  # what a request wants


class Asked(Struct, frozen=True):
    """What the vendor knows of a request for an answer, whatever the dialect.

    `words` is how many words the prompt has: the count of its tokens where the script gives none.
    `body` is the request's own, for what only its dialect asks.
    """

    model: str
    stream: bool = False
    last_user_text: str = ""
    words: int = 0
    body: Json = {}


FrameKind = Literal["opening", "reasoning", "text", "tool", "refusal", "final", "usage", "mark", "error"]


class Frame(Struct, frozen=True):
    """One frame of a streamed answer: a server-sent event, or a message of Amazon's event stream.

    `payload` is JSON; `name` is the event's or the message's type where the protocol has one.
    `call` is the number of the tool call of which the frame is a piece.

    The kinds are what faults ask for: `text` and `reasoning` frames carry some, `tool` frames belong to a
    call, `final` is the one with the reason why the answer ended, `usage` one that carries counts alone,
    `mark` says that the stream is over and nothing else (`[DONE]`, `message_stop`), `error` is one.
    Whatever only opens or closes a block is `opening`, or is of the kind of its block.
    """

    kind: FrameKind
    payload: Any = None
    name: str = ""
    call: int | None = None


ProblemKind = Literal[
    "authentication",
    "permission",
    "model_missing",
    "context_length",
    "content_policy",
    "too_large",
    "invalid",
    "payment",
    "rate_limit",
    "quota",
    "timeout",
    "conflict",
    "server",
    "overloaded",
]


class Problem(Struct, frozen=True):
    """An error of the vendor: its status, what it means, and the sentence; the dialect finds the words."""

    status: int
    kind: ProblemKind
    message: str


class Refused(Exception):
    """A request that the vendor does not even look at: raised by a dialect while it parses."""

    def __init__(self, problem: Problem) -> None:
        """`problem` becomes the response."""
        super().__init__(problem.message)
        self.problem = problem
