"""What OpenAI says alike in both of its protocols: errors, the list of models, refusals of a choice of tools.

Reference: platform.openai.com/docs/api-reference/models and .../docs/guides/error-codes; `insufficient_quota`
is quoted as ChatGPTNextWeb/NextChat issue 3664 has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

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


def choice_refusals(choice: object, tools: list[Json], *, is_flat: bool) -> Iterator[str]:
    """Yield what is refused of a `tool_choice`; in Responses tools and choice are flat, elsewhere nested."""
    if choice is None:
        return
    if not tools:
        yield "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
    if isinstance(choice, str):
        if choice not in ("none", "auto", "required"):
            yield f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'."
        return
    functions = tools if is_flat else [cast("Json", tool.get("function") or {}) for tool in tools]
    wanted: Json = cast("Json", choice)
    name = (wanted if is_flat else cast("Json", wanted.get("function") or {})).get("name")
    if wanted.get("type") != "function" or not name:
        yield "Missing required parameter: 'tool_choice.function.name'."
    if name not in [function.get("name") for function in functions]:
        yield f"Tool choice '{name}' not found in 'tools' parameter."
