"""OpenAI's embeddings, which many hosts speak: a vector for each text, as base64 or as a list.

Reference: platform.openai.com/docs/api-reference/embeddings/create. Not in `DIALECTS`, as it answers no
conversation: a vendor that embeds as well is `FakeVendor(dialects=(*DIALECTS, OpenAIEmbeddings()))`.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from collections.abc import Mapping

import msgspec

from fake_vendor.connection import Request
from fake_vendor.script import Answer, Fault
from fake_vendor.terms import Asked, Frame, Json, Problem, Purpose

from .openai_terms import error_of, list_of

_INPUTS_MAX = 2_048
_OPTIONS = ("encoding_format", "dimensions")


class _Wanted(msgspec.Struct):
    """The fields of a request that decide whether it is one."""

    model: str
    input: str | list[str]
    encoding_format: str = "float"
    dimensions: int | None = None


class OpenAIEmbeddings:
    """The dialect. Texts that share words have vectors that lie close; equal ones have equal vectors.

    `dimensions` is how many a vector has unless other ones are asked for; `takes` are the options that the
    host knows (it refuses the others), and `heeds` those that it follows; `words_max` is how long a text may
    be.
    """

    name = "openai_embeddings"
    stream_content_type = "text/event-stream"
    frame_beginning = b"data: "
    idle = None

    def __init__(
        self,
        *,
        dimensions: int = 1_536,
        takes: tuple[str, ...] = _OPTIONS,
        heeds: tuple[str, ...] = _OPTIONS,
        words_max: int = 8_191,
    ) -> None:
        """Without arguments it is OpenAI itself."""
        self._dimensions = dimensions
        self._takes = takes
        self._heeds = heeds
        self._words_max = words_max

    def purpose(self, request: Request) -> Purpose | None:
        """Return what a request wants, by its path."""
        asked = request.method, request.route.removeprefix("/openai")
        return "answer" if asked == ("POST", "/v1/embeddings") else None

    def parse(self, request: Request) -> Asked:
        """Return what is asked; a field of the wrong type is an error."""
        wanted = msgspec.json.decode(request.content, type=_Wanted)
        texts = _texts_of(wanted)
        return Asked(
            model=wanted.model,
            last_user_text=texts[-1] if texts else "",
            words=sum(len(text.split()) for text in texts),
            body=msgspec.json.decode(request.content),
        )

    def refusal(self, asked: Asked) -> str | None:
        """Return why the host would refuse the request."""
        texts = _texts_of(msgspec.convert(asked.body, _Wanted))
        unknown = next((name for name in _OPTIONS if name in asked.body and name not in self._takes), None)
        if unknown:
            return f"Unknown parameter: '{unknown}'."
        if not texts or len(texts) > _INPUTS_MAX:
            return f"Invalid 'input': expected 1 to {_INPUTS_MAX} items."
        if "" in texts:
            return "'$.input' is invalid: input cannot be an empty string."
        if any(len(text.split()) > self._words_max for text in texts):
            return f"This model's maximum context length is {self._words_max} tokens."
        return None

    def credential(self, headers: Mapping[str, str]) -> str:
        """Return the Authorization header."""
        return headers.get("authorization", "")

    def models(self, names: tuple[str, ...], request: Request) -> Json:
        """Return ListModelsResponse."""
        return list_of(names)

    def body(self, answer: Answer, asked: Asked) -> Json:
        """Return CreateEmbeddingResponse, with base64 in the place of numbers where it was asked for."""
        wanted = msgspec.convert(asked.body, _Wanted)
        is_base64 = wanted.encoding_format == "base64" and "encoding_format" in self._heeds
        asked_for = wanted.dimensions if "dimensions" in self._heeds else None
        vectors = [vector_of(text, asked_for or self._dimensions) for text in _texts_of(wanted)]
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if is_base64 else vector}
            for index, vector in enumerate(vectors)
        ]
        tokens = answer.usage.prompt if answer.usage else asked.words
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": asked.model, "usage": usage}

    def frames(self, answer: Answer, asked: Asked) -> list[Frame]:
        """Return the answer in one piece: there is no such stream."""
        return [Frame("final", self.body(answer, asked))]

    def encode(self, frame: Frame) -> bytes:
        """Return the piece."""
        return msgspec.json.encode(frame.payload)

    def said(self, text: str, asked: Asked) -> Frame:
        """Return a piece of text, which no vector is."""
        return Frame("text", text)

    def ended(self, reason: str, asked: Asked) -> Frame:
        """Return an end without a vector."""
        return Frame("final", reason)

    def odd_body(self, fault: Fault, body: Json) -> Json | None:
        """Return the answer as the fault leaves it."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return body | {"data": []}
            case Fault.NULL_CONTENT:
                return body | {"data": [item | {"embedding": None} for item in body["data"]]}
            case Fault.USAGE_MISSING:
                return {name: value for name, value in body.items() if name != "usage"}
            case _:
                return None

    def odd_frames(self, fault: Fault, frames: list[Frame], asked: Asked) -> list[Frame] | None:
        """Return nothing: there is no such stream."""
        return None

    def error_body(self, problem: Problem) -> Json:
        """Return ErrorResponse."""
        return error_of(problem)

    def error_lines(self, problem: Problem) -> tuple[str, ...]:
        """Return nothing: the body says it all."""
        return ()

    def error_frames(self, problem: Problem, asked: Asked, *, is_first: bool) -> list[Frame]:
        """Return the error in one piece."""
        return [Frame("error", self.error_body(problem))]


def vector_of(text: str, dimensions: int) -> list[float]:
    """Return a vector of length one: each word of a text pushes it into a direction of its own."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [text]:
        digest = hashlib.sha256(word.encode()).digest()
        for at in range(0, 16, 4):
            vector[int.from_bytes(digest[at : at + 4], "big") % dimensions] += (
                1.0 if digest[16 + at] % 2 else -1.0
            )
    length = math.hypot(*vector) or 1.0
    return [number / length for number in vector]


def _texts_of(wanted: _Wanted) -> list[str]:
    return [wanted.input] if isinstance(wanted.input, str) else wanted.input


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
