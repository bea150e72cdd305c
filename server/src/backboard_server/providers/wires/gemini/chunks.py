"""The parts of a GenerateContentResponse that we read, typed; everything else is skipped by the decoder.

Reference: ai.google.dev/api/generate-content#GenerateContentResponse. A stream consists of the same objects.
"""

from __future__ import annotations

import msgspec

from backboard_server.domain.prompts import Usage
from backboard_server.providers._counts import credible
from backboard_server.providers._failures import Failure
from backboard_server.providers._refusals import malformed, refusal
from backboard_server.providers._surrogates import UNREADABLE, without_halves

_STATUS_UNKNOWN = 500


class FunctionCall(msgspec.Struct, gc=False):
    """A call, always whole; `args` stays the JSON that it is."""

    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = msgspec.Raw()


class Part(msgspec.Struct, gc=False, rename="camel"):
    """A piece of an answer. Pictures are passed over, and code that the vendor ran."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: msgspec.Raw = msgspec.Raw()


class Content(msgspec.Struct, gc=False):
    """The pieces in their order."""

    parts: list[Part] | None = None


class Candidate(msgspec.Struct, gc=False, rename="camel"):
    """One answer; we never ask for more than one."""

    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class PromptFeedback(msgspec.Struct, gc=False, rename="camel"):
    """Why there is no answer at all."""

    block_reason: str | None = None


class Chunk(msgspec.Struct, gc=False, rename="camel"):
    """A response, or a chunk of one; the counts of each chunk are those of all so far."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: msgspec.Raw = msgspec.Raw()
    model_version: str | None = None
    error: msgspec.Raw = msgspec.Raw()


class _Counts(msgspec.Struct, gc=False, rename="camel"):
    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None


class _Problem(msgspec.Struct, gc=False):
    code: int | None = None


# What a decoder raises: of what is no JSON, of no text, and of what is nested too deeply.

_decoder = msgspec.json.Decoder(Chunk)
_counts_decoder = msgspec.json.Decoder(_Counts | None)
_problem_decoder = msgspec.json.Decoder(_Problem)


def decode(payload: bytes) -> Chunk:
    """Return a chunk; raises Failure for what is none, and for an error sent as one."""
    try:
        chunk = _decoder.decode(payload)
    except UNREADABLE:
        chunk = _repaired(payload)
    if len(chunk.error):
        raise _failure_of(payload, chunk.error)
    return chunk


def decode_all(body: bytes) -> list[Chunk]:
    """Return the chunks of a plain answer: one, or a list of them, as a stream without `alt=sse` has it."""
    if body[:64].lstrip()[:1] != b"[":
        return [decode(body)]
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except UNREADABLE as error:
        raise malformed(error, body) from error
    return [decode(bytes(item)) for item in items]


def _repaired(payload: bytes) -> Chunk:
    """Return a chunk that holds half a surrogate pair, or that is an error in a list of one."""
    try:
        whole = without_halves(payload)
        return _decoder.decode(whole[1:-1] if whole[:1] == b"[" else whole)
    except (ValueError, RecursionError) as error:
        raise malformed(error, payload) from error


def usage_of(reported: bytes | None) -> Usage | None:
    """Return the usage that the vendor reports, or None where it reports none or nonsense.

    What the model thought is counted apart from what it said; the cached part of the prompt is not.
    """
    try:
        counts = _counts_decoder.decode(reported) if reported else None
    except UNREADABLE:
        return None
    if counts is None:
        return None
    thoughts = counts.thoughts_token_count or 0
    prompt, answer = counts.prompt_token_count or 0, counts.candidates_token_count or 0
    usage = Usage(
        input_tokens=prompt + (counts.tool_use_prompt_token_count or 0),
        output_tokens=answer + thoughts,
        cached_input_tokens=counts.cached_content_token_count or 0,
        reasoning_tokens=thoughts,
    )
    return credible(usage, prompt, answer)


def _failure_of(payload: bytes, error: msgspec.Raw) -> Failure:
    """Return the failure of an error that came with status 200; its code is a status."""
    try:
        code = _problem_decoder.decode(error).code
    except UNREADABLE:
        code = None
    refused = refusal(code if code and 400 <= code < 600 else _STATUS_UNKNOWN, payload)
    return Failure(refused.kind, refused.said, retry_after_seconds=refused.retry_after_seconds)
