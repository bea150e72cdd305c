"""JSON as the server sent it → the typed answer that was promised, or an error that says where it is not."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Mapping, TypeVar, cast

from pydantic import BaseModel, ValidationError

from .exceptions import BackboardResponseError

Shape = TypeVar("Shape", bound=BaseModel)

_STATUS_BY_LAST_EVENT: Mapping[str, str] = {
    "run_ended": "COMPLETED",
    "tool_submit_required": "REQUIRES_ACTION",
    "run_cancelled": "CANCELLED",
    "message_saved": "COMPLETED",
}


def parse(shape: type[Shape], answer: Any) -> Shape:
    """Return the answer as a model. Raises BackboardResponseError where it has not that shape."""
    try:
        return shape.model_validate(answer)
    except ValidationError as failure:
        raise BackboardResponseError(
            f"The answer is not a {shape.__name__}: {failure}", body=answer
        ) from failure


def parse_list(shape: type[Shape], answer: Any) -> list[Shape]:
    """Return the answer as a list of models. Raises BackboardResponseError where it is none."""
    if not isinstance(answer, list):
        raise BackboardResponseError(f"The answer is not a list of {shape.__name__}.", body=answer)
    return [parse(shape, item) for item in cast("List[Any]", answer)]


def parse_dict(answer: Any) -> dict[str, Any]:
    """Return the answer as the dict that it is. Raises BackboardResponseError where it is none."""
    if not isinstance(answer, dict):
        raise BackboardResponseError("The answer is not an object.", body=answer)
    return cast("Dict[str, Any]", answer)


def flat_answer(last: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the last event of a stream in the shape of an answer that was not streamed."""
    return {
        "role": "user" if last["type"] == "message_saved" else "assistant",
        **{name: value for name, value in last.items() if name != "type"},
        "status": _STATUS_BY_LAST_EVENT[last["type"]],
        "message": last.get("message") or "The answer was streamed.",
        "timestamp": last.get("created_at") or now.isoformat(),
    }
