"""JSON as the server sent it → the typed answer that was promised, or an error that says where it is not."""

from __future__ import annotations

from typing import Any, Dict, List, TypeVar, cast

from pydantic import BaseModel, ValidationError

from .exceptions import BackboardResponseError

Shape = TypeVar("Shape", bound=BaseModel)


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
