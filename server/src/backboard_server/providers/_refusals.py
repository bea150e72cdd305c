"""What a response other than 200 means: by its status, and by the words that vendors put into its body."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from backboard_server.domain.errors import UpstreamKind

from ._failures import Failure
from ._quota import refill_seconds

_TEXT_DEPTH_MAX = 3
_WORDS_DEPTH_MAX = 3  # an error, its details, theirs
_DETAILS_MAX = 8

_KIND_OF_STATUS: dict[int, UpstreamKind] = {
    401: "rejected_key",
    402: "spend_limit",
    403: "rejected_key",
    404: "model_missing",
    408: "timeout",
    409: "failed",  # a lock at the provider: the same request may succeed in a moment
    424: "failed",  # Bedrock: the model behind it failed
    425: "failed",
    429: "rate_limited",
}

# Words of the vendors' references, as `code`, `type`, `status` or `reason` of an error.
_KIND_OF_WORD: dict[str, UpstreamKind] = {
    "insufficient_quota": "spend_limit",  # OpenAI: a 429 that no waiting helps
    "billing_hard_limit_reached": "spend_limit",
    "billing_error": "spend_limit",  # Anthropic
    "insufficient_balance": "spend_limit",  # DeepSeek
    "context_length_exceeded": "context_length",
    "string_above_max_length": "context_length",
    "request_too_large": "context_length",  # Anthropic, status 413
    "model_not_found": "model_missing",
    "not_found_error": "model_missing",  # Anthropic
    "content_policy_violation": "content_policy",
    "content_filter": "content_policy",  # Azure
    "responsibleaipolicyviolation": "content_policy",
    "moderation_blocked": "content_policy",
    "invalid_prompt": "content_policy",  # OpenAI Responses
    "bio_policy": "content_policy",
    "image_content_policy_violation": "content_policy",
    "invalid_api_key": "rejected_key",
    "authentication_error": "rejected_key",
    "permission_error": "rejected_key",
    "permission_denied": "rejected_key",
    "api_key_invalid": "rejected_key",  # Gemini, status 400
    "unauthenticated": "rejected_key",
    "rate_limit_error": "rate_limited",
    "rate_limit_exceeded": "rate_limited",
    "resource_exhausted": "rate_limited",
    "throttlingexception": "rate_limited",  # Bedrock
    "overloaded_error": "failed",  # Anthropic
    "api_error": "failed",
    "server_error": "failed",
    "internal_server_error": "failed",
    "unavailable": "failed",
    "timeout_error": "timeout",
    "deadline_exceeded": "timeout",
    "accessdeniedexception": "rejected_key",
    "unrecognizedclientexception": "rejected_key",
    "expiredtokenexception": "rejected_key",
    "resourcenotfoundexception": "model_missing",
    "servicequotaexceededexception": "spend_limit",
    "serviceunavailableexception": "failed",
    "modelnotreadyexception": "failed",
    "modeltimeoutexception": "timeout",
    "modelerrorexception": "failed",
    "modelstreamerrorexception": "failed",
    "internalserverexception": "failed",
    "validationexception": "rejected_request",
    "invalid_request_error": "rejected_request",
}

# Kinds that say more than a status does, the most telling first.
_PARTICULAR: tuple[UpstreamKind, ...] = (
    "spend_limit",
    "context_length",
    "model_missing",
    "content_policy",
    "rejected_key",
)
# Bedrock never says for how long; AWS's own SDKs try again after about a second.
_PASSING = frozenset({"throttlingexception"})
_PASSING_SECONDS = 1.0
_STATUSES_WITH_PHRASES = frozenset({400, 402, 413, 422, 429})

# Sentences by which vendors that have no word for it say that a prompt is too long or money is out.
_KIND_OF_PHRASE: tuple[tuple[str, UpstreamKind], ...] = (
    ("prompt is too long", "context_length"),  # Anthropic
    ("maximum context length", "context_length"),  # OpenAI-compatible hosts, vLLM
    ("context window", "context_length"),
    ("context length", "context_length"),
    ("input is too long", "context_length"),  # Bedrock
    ("on-demand throughput", "model_missing"),  # Bedrock: the id of a model that only a profile calls
    ("model identifier is invalid", "model_missing"),  # Bedrock
    ("exceeds the maximum number of tokens", "context_length"),  # Gemini
    ("credit balance is too low", "spend_limit"),  # Anthropic, status 400
    ("blocked by content filtering policy", "content_policy"),  # Anthropic, status 400
    ("exceeded your current quota", "spend_limit"),  # OpenAI, Gemini
)


def refusal(status: int, body: bytes, *, retry_after_seconds: float | None = None, hint: str = "") -> Failure:
    """Return the failure that a response other than 200 is; `hint` is an error type from its headers."""
    problem = _decoded(body)
    words = {word.lower() for word in (*_words(problem), hint.partition(":")[0]) if word}
    said = text_of(problem, body)
    kind, wait = kind_of(words, said, status), refill_seconds(problem)
    if wait is not None and kind == "spend_limit":
        kind = "rate_limited"
    wait = wait if retry_after_seconds is None else retry_after_seconds
    if wait is None and kind == "rate_limited" and not words.isdisjoint(_PASSING):
        wait = _PASSING_SECONDS
    return Failure(kind, said, status=status, retry_after_seconds=wait)


def malformed(error: Exception, payload: bytes) -> Failure:
    """Return the failure of an answer that cannot be read: what is wrong with it, and how it begins."""
    return Failure("malformed", f"{error}: {text_of(None, payload)}")


def kind_of(words: set[str], said: str, status: int | None = None) -> UpstreamKind:
    """Return what an error means: what its words say in particular goes before its status."""
    lowered = said.lower()
    if "modelnotreadyexception" in words:  # Bedrock's status for it is 429, and no limit was met
        return "failed"
    kinds: list[UpstreamKind] = [_KIND_OF_WORD[word] for word in sorted(words) if word in _KIND_OF_WORD]
    particular: UpstreamKind | None = next((kind for kind in _PARTICULAR if kind in kinds), None)
    if particular:
        return particular
    by_phrase: UpstreamKind | None = next(
        (kind for phrase, kind in _KIND_OF_PHRASE if phrase in lowered), None
    )
    if by_phrase and (status is None or status in _STATUSES_WITH_PHRASES):
        return by_phrase
    if status is not None:
        return kind_of_status(status)
    return kinds[0] if kinds else "failed"


def kind_of_status(status: int) -> UpstreamKind:
    """Return what an HTTP status other than 200 means by itself."""
    if status in _KIND_OF_STATUS:
        return _KIND_OF_STATUS[status]
    if status >= 500:
        return "failed"
    return "rejected_request" if status >= 400 else "malformed"


def text_of(problem: object, body: bytes) -> str:
    """Return the readable part of an error body, whatever its shape."""
    found = _text(problem, _TEXT_DEPTH_MAX)
    if found:
        return found
    text = body.decode("utf-8", "replace").strip()
    return "a web page" if text[:1] == "<" else text


def _decoded(body: bytes) -> object:
    try:
        decoded: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return decoded


def _text(problem: object, depth: int) -> str | None:
    """Look for a sentence where hosts put it: `error`, `message`, `detail`, the first of a list."""
    if isinstance(problem, str):
        return problem or None
    if depth and isinstance(problem, list) and problem:
        return _text(cast("list[Any]", problem)[0], depth - 1)
    if depth and isinstance(problem, dict):
        fields = cast("dict[str, Any]", problem)
        names = ("error", "message", "Message", "detail", "msg")
        return next((text for name in names if (text := _text(fields.get(name), depth - 1))), None)
    return None


def _words(problem: object, depth: int = _WORDS_DEPTH_MAX) -> list[str]:
    """Return the words for programs in an error: its own, and those of its details (Gemini's `reason`)."""
    if isinstance(problem, list):
        problem = next(iter(cast("list[object]", problem)), None)
    if not depth or not isinstance(problem, dict):
        return []
    fields = cast("dict[str, object]", problem)
    own = (fields.get(name) for name in ("code", "type", "status", "reason", "__type"))
    found = [word.rpartition("#")[2] for word in own if isinstance(word, str)]
    details = fields.get("details")
    if isinstance(details, list):
        for detail in cast("list[object]", details)[:_DETAILS_MAX]:
            found += _words(detail, depth - 1)
    return found + _words(fields.get("error"), depth - 1)
