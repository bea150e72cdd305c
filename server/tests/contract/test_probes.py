"""The matrix finds every id, wherever an operation takes one."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Header
from pydantic import BaseModel

from contract.probes import CONTENTS, Form, IdField, operations_of


class Filters(BaseModel):
    name: str
    memory_id: UUID | None = None
    document_ids: list[str]
    owner: UUID
    video: str = ""
    idea: str = ""


class Output(BaseModel):
    thread_id: str


class Outputs(BaseModel):
    outputs: list[Output]


class ToolOutput(BaseModel):
    tool_call_id: str


class ToolOutputs(BaseModel):
    tool_outputs: list[ToolOutput]


def form_of(app: FastAPI) -> Form:
    (operation,) = operations_of(app.openapi())
    (form,) = operation.forms()
    return form


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.post("/threads/{thread_id}/search")
    async def search(  # pyright: ignore[reportUnusedFunction] - FastAPI calls it
        thread_id: UUID,
        body: Filters,
        x_assistant_id: Annotated[str, Header()],
        run_id: str | None = None,
        limit: int = 1,
    ) -> None: ...

    return app


def test_ids_are_found_in_every_place(app: FastAPI) -> None:
    assert {(field.place, field.name, field.noun) for field in form_of(app).ids} == {
        ("path", "thread_id", "thread"),
        ("query", "run_id", "run"),
        ("header", "x-assistant-id", "assistant"),
        ("body", "memory_id", "memory"),
        ("body", "document_ids", "document"),
        ("body", "owner", "owner"),
    }


def test_what_is_required_is_told_from_what_may_be_left_out(app: FastAPI) -> None:
    required = {field.name for field in form_of(app).ids if field.is_required}

    assert required == {"thread_id", "x-assistant-id", "document_ids", "owner"}


def test_ids_go_where_they_belong(app: FastAPI) -> None:
    form = form_of(app)

    arguments = form.arguments({field: f"/{field.noun}" for field in form.ids})

    assert arguments == {
        "method": "POST",
        "url": "/threads/%2Fthread/search",
        "params": {"run_id": "/run"},
        "headers": {"x-assistant-id": "/assistant"},
        "json": {"name": "x", "memory_id": "/memory", "document_ids": ["/document"], "owner": "/owner"},
    }


def test_an_id_that_no_probe_would_reach_is_refused() -> None:
    app = FastAPI()

    @app.post("/outputs")
    async def submit(body: Outputs) -> None: ...  # pyright: ignore[reportUnusedFunction] - FastAPI calls it

    with pytest.raises(NotImplementedError, match="thread_id"):
        operations_of(app.openapi())


def test_the_id_of_a_tool_call_is_no_id_of_ours_and_is_sent_as_it_is_written_down() -> None:
    app = FastAPI(generate_unique_id_function=lambda route: route.name)

    @app.post("/threads/tool-outputs")
    async def submit_tool_outputs_simple(body: ToolOutputs) -> None: ...  # pyright: ignore[reportUnusedFunction] - FastAPI calls it

    (operation,) = operations_of(app.openapi())

    assert not operation.takes_ids
    assert [form.content for form in operation.forms()] == [*CONTENTS["submit_tool_outputs_simple"]]


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("application/json", {"json": {"flag": True, "text": "a", "thread_id": "1"}}),
        ("application/x-www-form-urlencoded", {"data": {"flag": "true", "text": "a", "thread_id": "1"}}),
    ],
)
def test_the_same_content_is_sent_in_each_encoding(media_type: str, expected: dict[str, Any]) -> None:
    (operation,) = operations_of({"paths": {"/x": {"post": {"operationId": "x"}}}})
    field = IdField("body", "thread_id")
    form = Form(operation, media_type, {"flag": True, "text": "a"}, (field,))

    arguments = form.arguments({field: "1"})

    assert expected.items() <= arguments.items()


def test_a_place_in_a_path_that_is_for_no_id_is_filled() -> None:
    app = FastAPI()

    @app.delete("/provider-keys/{provider}")
    async def delete(provider: str) -> None: ...  # pyright: ignore[reportUnusedFunction] - FastAPI calls it

    assert form_of(app).arguments({})["url"] == "/provider-keys/groq"
