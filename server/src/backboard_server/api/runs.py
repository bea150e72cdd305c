"""Runs over HTTP: read, followed, cancelled, and continued with outputs of tools (contract A.2, B, C.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import to_builtins
from msgspec.json import encode
from msgspec.structs import asdict
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import (
    CONTENT_CHARACTERS_MAX,
    DisconnectPolicy,
    RunOptions,
    SubmitOutputs,
    ToolOutput,
)
from backboard_server.domain.runs import Run, RunStatus
from backboard_server.runs.cancel import cancel
from backboard_server.runs.draft import views
from backboard_server.runs.follow import Follower, find_continuing
from backboard_server.runs.live import LiveRun
from backboard_server.runs.outputs import AcceptedOutputs, accept_outputs
from backboard_server.runs.run import conduct
from backboard_server.store import runs

from .answers import ANSWERS, AttemptRead, answer_again, answer_run
from .assistants import Tools
from .bodies import Body, from_json_text
from .edge import AdaptersOf, CallerOf, Edge, SelfKeyedRoute, edge_of
from .frame import Afterwards
from .knobs import ThinkingField, ToolChoiceField
from .mcp_servers import McpServersField, sealed
from .messages import Flag, lower
from .request_keys import request_key
from .shapes import Limit, Skip
from .sse import EventStream

router = APIRouter(prefix="/threads", tags=["runs"], route_class=SelfKeyedRoute)

OUTPUTS_MAX = 256
TOOL_CALL_ID_CHARACTERS_MAX = 512
SEQUENCE_MAX = 2**62


def _as_text(value: object) -> object:
    """Take what a function returned as it is, where it is no text: the model reads JSON."""
    return value if isinstance(value, str) else encode(value).decode()


class ToolOutputBody(BaseModel):
    """What one tool returned; anything but text is taken as JSON."""

    model_config = ConfigDict(extra="ignore")

    tool_call_id: str = Field(min_length=1, max_length=TOOL_CALL_ID_CHARACTERS_MAX)
    output: Annotated[str, BeforeValidator(_as_text)] = Field(max_length=CONTENT_CHARACTERS_MAX)
    is_error: Flag = False


class SubmitOutputsBody(Body):
    """The outputs of all the calls that a run waits for; `tools` and `thinking` hold from here on."""

    tool_outputs: list[ToolOutputBody] = Field(min_length=1, max_length=OUTPUTS_MAX)
    stream: Flag = False
    tools: Annotated[Tools | None, BeforeValidator(from_json_text)] = None
    tool_choice: ToolChoiceField = None
    mcp_servers: McpServersField = None
    thinking: ThinkingField = None
    on_disconnect: Annotated[DisconnectPolicy | None, BeforeValidator(lower)] = None

    @field_validator("tool_outputs")
    @classmethod
    def _answer_each_call_once(cls, outputs: list[ToolOutputBody]) -> list[ToolOutputBody]:
        if len({output.tool_call_id for output in outputs}) < len(outputs):
            raise ValueError("answers a call twice: send one output for each tool_call_id")
        return outputs


class ThreadOutputsBody(SubmitOutputsBody):
    """The outputs for whichever run of the thread waits for them."""

    thread_id: UUID


class RunRead(BaseModel):
    """A run as clients know it. `tool_calls` are those that it waits for."""

    run_id: str
    thread_id: UUID
    assistant_id: UUID
    message_id: UUID
    user_message_id: UUID | None
    status: RunStatus
    model_provider: str
    model_name: str
    tool_calls: list[dict[str, Any]] | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    cache_write_input_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    attempts: list[AttemptRead] | None
    error_code: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class RunCancelRead(BaseModel):
    """What cancelling a run answers: `cancelled` is false where it had come to its end before."""

    thread_id: UUID
    run_id: str
    cancelled: bool


class _Run(NamedTuple):
    """Which run is meant; without an id the one that waits."""

    thread_id: UUID
    run_id: UUID | None


@router.get("/{thread_id}/runs")
async def list_runs(
    thread_id: UUID, adapters: AdaptersOf, caller: CallerOf, skip: Skip = 0, limit: Limit = 100
) -> list[RunRead]:
    """List the runs of a thread, newest first."""
    found = await runs.list_runs(adapters.database, caller.tenant_id, thread_id, skip=skip, limit=limit)
    return [_read(run) for run in found]


@router.get("/{thread_id}/runs/{run_id}")
async def get_run(thread_id: UUID, run_id: UUID, adapters: AdaptersOf, caller: CallerOf) -> RunRead:
    """Return a run: its status, its model, what it used and when."""
    return _read(await runs.get_run(adapters.database, caller.tenant_id, thread_id, run_id))


@router.get(
    "/{thread_id}/runs/{run_id}/events", response_model=None, response_class=EventStream, status_code=200
)
async def stream_run_events(
    thread_id: UUID,
    run_id: UUID,
    request: Request,
    caller: CallerOf,
    after: Annotated[int | None, Query(ge=0, le=SEQUENCE_MAX, description="The number seen last.")] = None,
) -> Response:
    """Replay what happened in a run after a number (or `Last-Event-ID`), then follow it live to its end."""
    edge = edge_of(request)
    run = await runs.get_run(edge.adapters.database, caller.tenant_id, thread_id, run_id)
    seen = _last_event_id(request) if after is None else after
    return Afterwards(EventStream(Follower(edge.adapters, edge.journal, caller.tenant_id, run, after=seen)))


@router.post("/{thread_id}/runs/{run_id}/cancel")
async def cancel_run(thread_id: UUID, run_id: UUID, request: Request, caller: CallerOf) -> RunCancelRead:
    """Cancel a run: once this is answered nothing more is said or stored of it. What it said is kept."""
    edge = edge_of(request)
    status = await cancel(edge.adapters, edge.runs, caller.tenant_id, thread_id, run_id)
    return RunCancelRead(thread_id=thread_id, run_id=str(run_id), cancelled=status == "CANCELLED")


@router.post(
    "/{thread_id}/runs/{run_id}/submit-tool-outputs",
    response_model=None,
    responses=ANSWERS,
)
async def submit_tool_outputs(
    thread_id: UUID,
    run_id: UUID,
    body: SubmitOutputsBody,
    request: Request,
    caller: CallerOf,
    stream: Annotated[Flag, Query(description="Events instead of one answer; in the body as well.")] = False,
) -> Response:
    """Hand in the outputs of all the tools that a run waits for; it goes on."""
    return await _submit(request, caller, body, _Run(thread_id, run_id), stream=stream or body.stream)


@router.post("/tool-outputs", response_model=None, responses=ANSWERS)
async def submit_tool_outputs_simple(body: ThreadOutputsBody, request: Request, caller: CallerOf) -> Response:
    """Hand in the outputs of tools to whichever run of the thread waits for them."""
    return await _submit(request, caller, body, _Run(body.thread_id, None), stream=body.stream)


async def _submit(
    request: Request, caller: Caller, body: SubmitOutputsBody, run: _Run, *, stream: bool
) -> Response:
    edge = edge_of(request)
    edge.runs.check_room()
    asked = SubmitOutputs(
        thread_id=run.thread_id,
        run_id=run.run_id,
        outputs=[
            ToolOutput(tool_call_id=sent.tool_call_id, output=sent.output, is_error=sent.is_error)
            for sent in body.tool_outputs
        ],
        stream=stream,
        options=_options(edge, caller, body),
        on_disconnect=body.on_disconnect or "continue",
        request_key=await request_key(request, await request.json()),
    )
    accepted = await accept_outputs(edge.adapters, caller, asked)
    if accepted.run is None:
        return await _answer_again(request, caller, asked, accepted)
    before = accepted.run.log.sequence
    live = LiveRun(
        conduct(edge.adapters, accepted.run, streamed=stream, continuing=accepted.continuing),
        accepted.run.log,
        has_reader=stream,
        ends_with_reader=asked.on_disconnect == "cancel",
    )
    run_id = accepted.run.run_id
    edge.journal.start(live, tenant_id=caller.tenant_id, run_id=run_id, epoch=accepted.run.epoch)
    return await answer_run(request, caller, live, run_id, asked, after=before)


async def _answer_again(
    request: Request, caller: Caller, asked: SubmitOutputs, accepted: AcceptedOutputs
) -> Response:
    """Answer outputs that were handed in before with what came of them then."""
    repeated = accepted.repeated
    assert repeated is not None and repeated.run_id is not None  # noqa: S101, PT018 - else there is a run
    adapters = edge_of(request).adapters
    run = await runs.find_run(adapters.database, caller.tenant_id, repeated.run_id)
    call_ids = [output.tool_call_id for output in asked.outputs]
    after = await find_continuing(adapters, caller.tenant_id, run, call_ids) if run else 0
    return await answer_again(request, caller, repeated, stream=asked.stream, after=after)


def _options(edge: Edge, caller: Caller, body: SubmitOutputsBody) -> RunOptions:
    tools = body.tools
    return RunOptions(
        tools=None if tools is None else [tool.model_dump(exclude_none=True) for tool in tools],
        tool_choice=body.tool_choice.noun() if body.tool_choice else None,
        mcp_servers=sealed(body.mcp_servers, edge.adapters, caller.tenant_id),
        thinking=body.thinking.noun() if body.thinking else None,
    )


def _last_event_id(request: Request) -> int:
    text = request.headers.get("last-event-id", "").strip()
    if not text:
        return 0
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(SEQUENCE_MAX))
    if not is_number or int(text) > SEQUENCE_MAX:
        finding = {
            "loc": ("header", "Last-Event-ID"),
            "msg": "must be the id of an event of this run: send back the last one that you saw",
            "type": "value_error",
        }
        raise RequestValidationError([finding])
    return int(text)


def _read(run: Run) -> RunRead:
    usage = run.usage
    return RunRead(
        run_id=str(run.id),
        thread_id=run.thread_id,
        assistant_id=run.assistant_id,
        message_id=run.message_id,
        user_message_id=run.question_id,
        status=run.status,
        model_provider=run.model_provider,
        model_name=run.model_name,
        tool_calls=None if run.tool_calls is None else to_builtins(views(tuple(run.tool_calls))),
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        total_tokens=usage.input_tokens + usage.output_tokens if usage else None,
        cached_input_tokens=usage.cached_input_tokens if usage else None,
        cache_write_input_tokens=usage.cache_write_input_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        cost_usd=run.cost_usd,
        attempts=None if run.attempts is None else [AttemptRead(**asdict(one)) for one in run.attempts],
        error_code=run.error_code,
        error=run.error,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )
