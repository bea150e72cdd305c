"""What OpenAI says alike in both of its protocols: errors, and the list of models.

Reference: platform.openai.com/docs/api-reference/models and .../docs/guides/error-codes; `insufficient_quota`
is quoted as ChatGPTNextWeb/NextChat issue 3664 has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fake_vendor.terms import Json, Problem, ProblemKind

CREATED = 1_760_000_000

TypeAndCode = tuple[str, str | None]

TYPE_AND_CODE: dict[ProblemKind, TypeAndCode] = {
    "authentication": ("invalid_request_error", "invalid_api_key"),
    "permission": ("invalid_request_error", "permission_denied"),
    "model_missing": ("invalid_request_error", "model_not_found"),
    "context_length": ("invalid_request_error", "context_length_exceeded"),
    "content_policy": ("invalid_request_error", "content_policy_violation"),
    "too_large": ("invalid_request_error", None),
    "invalid": ("invalid_request_error", None),
    "payment": ("insufficient_quota", "insufficient_quota"),
    "rate_limit": ("rate_limit_error", "rate_limit_exceeded"),
    "quota": ("insufficient_quota", "insufficient_quota"),
    "timeout": ("server_error", "server_error"),
    "conflict": ("server_error", "server_error"),
    "server": ("server_error", "server_error"),
    "overloaded": ("server_error", "server_error"),
}


def error_of(problem: Problem, words: Mapping[ProblemKind, TypeAndCode] = TYPE_AND_CODE) -> Json:
    """Return ErrorResponse."""
    kind, code = words[problem.kind]
    return {"error": {"message": problem.message, "type": kind, "param": None, "code": code}}


def list_of(names: Iterable[str]) -> Json:
    """Return ListModelsResponse."""
    rows = [{"id": name, "object": "model", "created": CREATED, "owned_by": "fake"} for name in names]
    return {"object": "list", "data": rows}
