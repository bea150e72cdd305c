from __future__ import annotations

import inspect
import pickle
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import httpx
import pytest

from backboard import BackboardAPIError, BackboardError, BackboardNotFoundError, BackboardRunError, exceptions
from backboard.exceptions import class_for_status, retry_after_seconds


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (307, "BackboardAPIError"),
        (400, "BackboardValidationError"),
        (401, "BackboardAuthenticationError"),
        (402, "BackboardPaymentRequiredError"),
        (403, "BackboardPermissionError"),
        (404, "BackboardNotFoundError"),
        (409, "BackboardConflictError"),
        (413, "BackboardAPIError"),
        (422, "BackboardUnprocessableError"),
        (429, "BackboardRateLimitError"),
        (500, "BackboardServerError"),
        (599, "BackboardServerError"),
    ],
)
def test_each_status_has_its_kind(status: int, name: str) -> None:
    assert class_for_status(status).__name__ == name


def test_the_tree_in_the_docstring_is_the_tree_of_the_code() -> None:
    classes = [
        kind
        for _, kind in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(kind, BackboardError) and kind.__module__ == exceptions.__name__
    ]
    drawn: dict[int, str] = {}
    parents: dict[str, str] = {}
    for line in (exceptions.__doc__ or "").splitlines():
        if "Backboard" in line and (line.startswith("Backboard") or "──" in line):
            depth = line.index("Backboard")
            name = line[depth:].split()[0]
            parents[name] = drawn.get(depth - 4, "Exception")
            drawn[depth] = name

    assert parents == {kind.__name__: kind.__mro__[1].__name__ for kind in classes}


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    in_a_minute = datetime.now(timezone.utc) + timedelta(seconds=60)

    assert retry_after_seconds({"Retry-After": "1.5"}) == 1.5
    assert retry_after_seconds({"Retry-After": "-3"}) == 0
    assert retry_after_seconds({"Retry-After": format_datetime(in_a_minute)}) == pytest.approx(60, abs=2)
    assert retry_after_seconds({"Retry-After": "Mon, 01 Jan 2001 00:00:00 -0000"}) == 0
    assert retry_after_seconds({"Retry-After": "soon"}) is None
    assert retry_after_seconds({}) is None


def test_an_error_is_made_as_in_the_published_sdk() -> None:
    error = BackboardNotFoundError("Gone", 404)

    assert (str(error), error.status_code, error.response) == ("Gone", 404, None)
    assert (error.code, error.request_id, error.retry_after) == (None, None, None)
    assert isinstance(error, BackboardAPIError)


def test_an_error_survives_pickling() -> None:
    error = BackboardRunError("Failed", body={"type": "run_failed", "code": "provider_failed"})

    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - we pickled it ourselves

    assert (str(twin), twin.code) == ("Failed", "provider_failed")


def test_the_request_id_is_read_from_the_header_or_else_from_the_body() -> None:
    with_header = httpx.Response(500, headers={"X-Request-ID": "in_header"})

    assert BackboardAPIError("", 500, with_header, {"request_id": "in_body"}).request_id == "in_header"
    assert BackboardAPIError("", 500, httpx.Response(500), {"request_id": "in_body"}).request_id == "in_body"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": "a"}, "a"),
        ({"detail": {"code": "b"}}, "b"),
        ({"detail": "text", "code": 7}, None),
        ({"detail": [{"code": "c"}]}, None),
        ("text", None),
        (None, None),
    ],
)
def test_the_code_is_found_where_servers_put_it(body: object, code: str | None) -> None:
    assert BackboardAPIError("", body=body).code == code
