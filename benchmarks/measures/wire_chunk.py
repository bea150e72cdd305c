"""What a chunk costs a program that reads streamed answers with our wires, and with the libraries of others.

All read the same bytes of the same vendor by turns, each in its own process; a ratio is that of one round.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from msgspec import Struct
from rig.figures import Figure, medians, of_rounds
from rig.libraries import Library, library
from rig.processes import Vendor, vendor

_ROUNDS = 3
_SECONDS = 0.3  # at the least, and at least one answer
_CHUNKS = 2_000
_CHUNKS_PACED = 300
_STREAMS_PACED = 4
_DELAY_SECONDS = 0.005
_MICROSECONDS = 1_000_000

_OURS = "ours"
_LITELLM = "litellm_library"
_RIVALS = {
    "openai_chat": "openai_sdk",
    "openai_responses": "openai_sdk",
    "anthropic": "anthropic_sdk",
    "gemini": "google_sdk",
    "bedrock": "aws_sdk",
}
_OF_SDK = 1 / 8
_OF_LITELLM = 1 / 20


class _Course(Struct, frozen=True):
    """What is streamed: `answer` is in the words of the fake vendor."""

    name: str
    answer: dict[str, Any]
    chunks: int = _CHUNKS
    characters: int = 0
    streams: int = 1


def _words(count: int) -> str:
    """Return words that differ: a library may take a model that repeats itself for one that has broken."""
    return " ".join(f"w{number}" for number in range(count))


def _courses() -> list[_Course]:
    text, said, arguments = _words(_CHUNKS), "Done.", f'{{"text":"{_words(_CHUNKS)}"}}'
    paced = _words(_CHUNKS_PACED)
    pace = {"chunk_delay_seconds": _DELAY_SECONDS}
    call = {"name": "count", "arguments": arguments}
    return [
        _Course("text", {"text": text}, characters=len(text)),
        _Course("reasoning", {"reasoning": text, "text": said}, characters=len(text + said)),
        _Course("arguments", {"tool_calls": [call], "chunks": _CHUNKS}, characters=len(arguments)),
        _Course("text, 5 ms apart", {"text": paced} | pace, _CHUNKS_PACED, len(paced), _STREAMS_PACED),
    ]


async def measure() -> list[Figure]:
    """Stream texts, reasoning and arguments as fast as they are read, and texts at the pace of a model."""
    with vendor() as far_end, ExitStack() as running:
        root_url = far_end.base_url.removesuffix("/v1")
        names = (_OURS, *dict.fromkeys(_RIVALS.values()), _LITELLM)
        libraries = {name: running.enter_context(library(name, root_url)) for name in names}
        figures: list[Figure] = []
        for wire, sdk in _RIVALS.items():
            compared = [libraries[name] for name in (_OURS, sdk, _LITELLM)]
            for course in _courses():
                if (wire, course.name) != ("gemini", "arguments"):  # which it sends whole
                    figures += _compared(wire, course, compared, far_end)
        return figures


def _compared(wire: str, course: _Course, libraries: list[Library], far_end: Vendor) -> list[Figure]:
    far_end.script(**course.answer, usage={"prompt": 10, "completion": course.chunks})
    for each in libraries:
        each.read(wire, course.streams, 0)  # what is made once, at the first answer, is not what we ask for
    rounds = [{each.name: _cost(wire, course, each) for each in libraries} for _ in range(_ROUNDS)]
    return [
        Figure(
            name=f"{wire}, {course.name}: ours / {rival.name}",
            unit="",
            target=_OF_LITELLM if rival.name == _LITELLM else _OF_SDK,
            samples=of_rounds(rounds, lambda parts, name=rival.name: parts[_OURS] / parts[name]),
            parts={f"{name}_us": cost for name, cost in medians(rounds, _OURS, rival.name).items()},
        )
        for rival in libraries[1:]
    ]


def _cost(wire: str, course: _Course, reader: Library) -> float:
    """Return microseconds of CPU per chunk; raises RuntimeError where a part of the answer was not read."""
    reading = reader.read(wire, course.streams, _SECONDS)
    if reading.characters != reading.answers * course.characters:
        raise RuntimeError(f"{reader.name} read {reading.characters} characters of {wire}, {course.name}.")
    return _MICROSECONDS * reading.cpu_seconds / (reading.answers * course.chunks)
