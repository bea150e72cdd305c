"""The parts of a chat completion that we read, typed; everything else is skipped by the decoder."""

from __future__ import annotations

from typing import Any

import msgspec

from backboard_server.domain.prompts import Usage
from backboard_server.providers._counts import credible
from backboard_server.providers._failures import Failure
from backboard_server.providers._refusals import kind_of
from backboard_server.providers._surrogates import decode_or_mend


class Part(msgspec.Struct, gc=False):
    """A piece of content where a host sends content as a list (Mistral's reasoning models do)."""

    type: str = ""
    text: str = ""
    thinking: list[Part] = []


class CalledFunction(msgspec.Struct, gc=False):
    """The function of a tool call, whole or in part."""

    name: str | None = None
    arguments: str | None = None


class CallPiece(msgspec.Struct, gc=False):
    """A tool call, whole or in part; some hosts leave the index out, some send zero for every call."""

    index: int | None = None
    id: str | None = None
    function: CalledFunction | None = None
    extra_content: Any = None  # Google: thought signatures


class Saying(msgspec.Struct, gc=False):
    """What is said: the `message` of a plain answer, the `delta` of a chunk."""

    content: str | list[Part] | None = None
    reasoning_content: str | None = None  # DeepSeek, xAI, Moonshot, llama.cpp
    reasoning: str | None = None  # OpenRouter, Groq, Cerebras, vLLM, Ollama
    reasoning_details: Any = None  # OpenRouter; like `extra_content` only carried, so of any shape
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None


class Choice(msgspec.Struct, gc=False):
    """One answer; we never ask for more than one."""

    delta: Saying | None = None
    message: Saying | None = None
    finish_reason: str | None = None


class Problem(msgspec.Struct, gc=False):
    """An error inside a response whose status was 200."""

    message: str | None = None
    type: str | None = None
    code: int | str | None = None


class Chunk(msgspec.Struct, gc=False):
    """A completion or a chunk of one: the two differ only in where a choice keeps what is said."""

    choices: list[Choice] | None = None
    usage: Any = None
    error: Problem | str | None = None
    model: str | None = None


class _Details(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Counts(msgspec.Struct, gc=False):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    cost: float | None = None  # OpenRouter, in US dollars


_decoder = msgspec.json.Decoder(Chunk)


def decode(payload: bytes) -> Chunk:
    """Return a completion or chunk; raises Failure for what is none, and for an error sent as one."""
    chunk = decode_or_mend(_decoder, payload)
    if chunk.error is not None:
        raise _failure_of(chunk.error)
    return chunk


def usage_of(reported: object) -> Usage | None:
    """Return the usage that a host reports, or None where it reports none or nonsense."""
    if reported is None:
        return None
    try:
        counts = msgspec.convert(reported, _Counts)
    except msgspec.ValidationError:
        return None
    prompt = counts.prompt_tokens_details or _Details()
    completion = counts.completion_tokens_details or _Details()
    return credible(
        Usage(
            input_tokens=counts.prompt_tokens,
            output_tokens=counts.completion_tokens,
            cached_input_tokens=prompt.cached_tokens or counts.prompt_cache_hit_tokens or 0,
            cache_write_input_tokens=prompt.cache_write_tokens or 0,
            reasoning_tokens=completion.reasoning_tokens or 0,
            cost_usd=counts.cost,
        )
    )


def _failure_of(error: Problem | str) -> Failure:
    """Return the failure of an error that came with status 200; its code may be a status of its own."""
    if isinstance(error, str):
        return Failure("failed", error)
    status = error.code if isinstance(error.code, int) and 400 <= error.code < 600 else None
    words = {str(word).lower() for word in (error.code, error.type) if word}
    said = error.message or str(error.code or error.type or "an error without a text")
    return Failure(kind_of(words, said, status), said)
