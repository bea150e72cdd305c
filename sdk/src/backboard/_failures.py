"""What httpx reports → the error that we raise for it, with a message that a person can act on."""

from __future__ import annotations

import json
from typing import Any, Mapping, cast

import httpx

from .exceptions import (
    BackboardAPIError,
    BackboardConnectionError,
    BackboardResponseError,
    BackboardTimeoutError,
    class_for_status,
)

_SHOWN_CHARACTERS = 200


def is_event_stream(response: httpx.Response) -> bool:
    """Whether the answer is a stream of events, to be read as it comes."""
    return response.is_success and response.headers.get("Content-Type", "").startswith("text/event-stream")


def answer_error(response: httpx.Response) -> BackboardAPIError:
    """Return the error for an answer that is not a success; its body has been read."""
    body = _body(response)
    message = _message(body) or f"HTTP {response.status_code} {response.reason_phrase}: {_shown(response)}"
    return class_for_status(response.status_code)(message, response.status_code, response, body)


def request_error(failure: httpx.RequestError, url: httpx.URL) -> BackboardConnectionError:
    """Return the error for a request that got no answer, or not all of it."""
    url = url.copy_with(userinfo=b"")  # a message is no place for a password
    said = str(failure) or type(failure).__name__
    if isinstance(failure, httpx.ConnectError):
        return BackboardConnectionError(
            f"Cannot connect to {url}: {said}. Is the server running, and base_url right?"
        )
    if isinstance(failure, httpx.TimeoutException):
        return BackboardTimeoutError(
            f"{url} did not answer in time ({type(failure).__name__}); see timeout=…."
        )
    return BackboardConnectionError(f"The connection to {url} broke: {said}")


def not_json_error(response: httpx.Response) -> BackboardResponseError:
    """Return the error for a success whose body is not JSON: most often a page of something in between."""
    return BackboardResponseError(
        f"{response.url} answered with what is not JSON; is base_url right? It begins: {_shown(response)}",
        response.status_code,
        response,
        response.text,
    )


def not_a_stream_error(response: httpx.Response) -> BackboardResponseError:
    """Return the error for a stream that was asked for and did not come; its body has been read."""
    kind = response.headers.get("Content-Type", "nothing")
    return BackboardResponseError(
        f"{response.url} was asked for a stream and answered with {kind}: {_shown(response)}",
        response.status_code,
        response,
        _body(response),
    )


def _body(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return response.text


def _shown(response: httpx.Response) -> str:
    return response.text[:_SHOWN_CHARACTERS].strip() or "(no body)"


def _message(body: Any) -> str:
    """Find the sentence in an error body, in the shapes that servers of this API and their proxies use."""
    if isinstance(body, list):
        return "; ".join(_problem(problem) for problem in cast("list[Any]", body))
    if isinstance(body, dict):
        fields = cast("Mapping[str, Any]", body)
        found = (_message(fields.get(name)) for name in ("detail", "message", "error"))
        return next(filter(None, found), "")
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""


def _problem(problem: Any) -> str:
    """Render one problem of a 422 as `body.name: Field required`."""
    if not isinstance(problem, dict):
        return str(problem)
    fields = cast("Mapping[str, Any]", problem)
    place = ".".join(str(step) for step in cast("list[Any]", fields.get("loc") or []))
    said = str(fields.get("msg") or fields)
    return f"{place}: {said}" if place else said
