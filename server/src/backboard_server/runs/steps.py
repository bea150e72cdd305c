"""The steps of a run: the model is asked, the server's tools that it calls are used, and it is asked again.

Each step is stored before the next begins, so that a run which loses its process goes on at the last one. A
call counts as begun once its answer is stored: after a crash it is not executed again, unless its tool says
it may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain import events
from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.events import Event, LastEvent
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import Finish, PromptMessage, TextDelta, ToolCall, ToolChoice, Usage
from backboard_server.domain.threads import HistoryMessage
from backboard_server.domain.tokens import estimate_message_tokens
from backboard_server.domain.tools import ToolResult
from backboard_server.store.runs import StoredOutput
from backboard_server.tools import Toolbox, open_toolbox

from .answer import answer
from .context import extended, with_tools
from .draft import Draft, Said
from .finish import OpenRun, finish, finish_outputs, finish_step
from .spending import cost_of

TOOL_ROUNDS_MAX = 16  # of the server's own tools in one run; after that the model must answer without them

_INTERRUPTED = (
    "The server was stopped while this tool was being executed, so nobody knows whether it was. It was not "
    "executed again."
)


class Course:
    """Where a run stands: its present step, and what has been said in it."""

    def __init__(self, run: OpenRun) -> None:
        """Begin with the first step, or with the one whose tools were at work when a process was lost."""
        self.run = run
        self.draft = new_draft(run) if run.interrupted is None else _restored(run, run.interrupted)
        self._offers_tools = bool(run.context.prompt.tools)

    def servers_calls(self, toolbox: Toolbox) -> list[ToolCall]:
        """Return the calls that are the server's to execute; a tool that nobody has is the application's."""
        calls = self.draft.tool_calls
        return [call for call in calls if toolbox.has(call.name) or not self._offers_tools]

    def go_on(self, run: OpenRun) -> None:
        """Begin the next step."""
        before, choice = self.draft.said, self.draft.choice
        self.run = run
        self.draft = new_draft(run, before)
        self.draft.choice = choice  # a fallback that has answered answers to the end


async def take_steps(adapters: Adapters, course: Course, *, streamed: bool) -> AsyncGenerator[Event]:
    """Answer a run, in as many steps as it takes, and yield the events; the last one says how it ended.

    Raises what `answer` and `finish` raise; `course` then says where it stood.
    """
    run = course.run
    names = {tool["function"]["name"] for tool in run.context.prompt.tools}
    async with open_toolbox(adapters, run.caller.tenant_id, run.mcp_servers, taken=names) as toolbox:
        if toolbox.definitions:
            course.run = replace(run, context=with_tools(run.context, toolbox.definitions))
        if toolbox.problems:
            course.run = replace(course.run, problems=toolbox.problems)
        check_choice(course.run)
        stepping = _interrupted_step if run.interrupted else _step
        for place in range(TOOL_ROUNDS_MAX + 1):
            if place == TOOL_ROUNDS_MAX:
                course.run = _without_tools(course.run)
            async with aclosing(stepping(adapters, course, toolbox, streamed=streamed)) as step:
                async for event in step:
                    yield event
                    if isinstance(event, LastEvent):
                        return
            stepping = _step
    raise Upstream(
        f"{course.draft.choice.model} called tools {TOOL_ROUNDS_MAX} times in a row and gave no answer. "
        "Give it clearer instructions, or other tools.",
        kind="invalid_output",
        provider=course.draft.choice.provider,
    )


async def _step(
    adapters: Adapters, course: Course, toolbox: Toolbox, *, streamed: bool
) -> AsyncGenerator[Event]:
    """Ask the model once; then the run is over, or the tools that it called have been used."""
    async with aclosing(answer(adapters, course.run, course.draft, streamed=streamed)) as answering:
        async for event in answering:
            yield event
    if not course.servers_calls(toolbox):
        yield await finish(adapters, course.run, course.draft, datetime.now(UTC))
        return
    following = await finish_step(adapters, course.run, course.draft, datetime.now(UTC))
    used = Used(stub_id=course.run.answer_id, following=following)
    for event in await _use_tools(adapters, course, toolbox, used):
        yield event


async def _interrupted_step(
    adapters: Adapters, course: Course, toolbox: Toolbox, *, streamed: bool
) -> AsyncGenerator[Event]:
    """Take up the step whose answer is stored, and whose tools were being executed."""
    assert course.run.interrupted is not None  # noqa: S101 - as asked by the caller
    stub_id = course.run.interrupted.id
    following = replace(course.run, interrupted=None)
    used = Used(stub_id=stub_id, following=following, is_again=True)
    for event in await _use_tools(adapters, course, toolbox, used):
        yield event


class Used(Struct, frozen=True, kw_only=True):
    """The answer whose calls are executed, and the run as it goes on after them."""

    stub_id: UUID
    following: OpenRun
    is_again: bool = False


async def _use_tools(adapters: Adapters, course: Course, toolbox: Toolbox, used: Used) -> list[Event]:
    """Execute the calls that are the server's, all at once, store the results, and begin the next step.

    Returns the events of it. Where the application has calls to execute too, the run waits for those.
    """
    run, draft = course.run, course.draft
    calls = course.servers_calls(toolbox)
    results = await asyncio.gather(*(_executed(run, toolbox, call, used) for call in calls))
    outputs = [_stored(call, result) for call, result in zip(calls, results, strict=True)]
    told: list[Event] = [_told(run, output) for output in outputs]
    others = tuple(call for call in draft.tool_calls if call not in calls)
    if others:
        waiting = replace(run, answer_id=used.stub_id)
        return await finish_outputs(adapters, waiting, draft, outputs, told, others)
    told.append(_message_start(used.following))
    told = await finish_outputs(adapters, run, draft, outputs, told)
    shown = [PromptMessage("tool", output.output, tool_call_id=output.tool_call_id) for output in outputs]
    spent = run.spent_usd + (cost_of(draft.usage or Usage(), adapters.models.facts(draft.choice)) or 0.0)
    message_ids = [used.stub_id, *(output.message_id for output in outputs)]
    context = extended(run.context, draft, shown, message_ids)
    course.go_on(replace(used.following, context=context, spent_usd=spent))
    return told


async def _executed(run: OpenRun, toolbox: Toolbox, call: ToolCall, used: Used) -> ToolResult:
    if used.is_again and not toolbox.is_repeatable(call.name):
        return ToolResult(output=_INTERRUPTED, is_error=True)
    return await toolbox.call(call, call_key=f"{run.run_id}:{call.id}")


def new_draft(run: OpenRun, before: Said | None = None) -> Draft:
    """Return an empty draft of the next step, as the prompt wants it written."""
    prompt = run.context.prompt
    return Draft(
        run.ids,
        run.choice,
        is_held=prompt.response_format is not None,
        hides_reasoning=prompt.thinking is not None and prompt.thinking.is_hidden,
        before=before or Said(),
    )


def _restored(run: OpenRun, stub: HistoryMessage) -> Draft:
    """Return the draft of an answer that is stored, as if it had just been given."""
    draft = Draft(run.ids, run.choice)
    for delta in (TextDelta(stub.content), Finish("tool_calls", Usage(), sidecar=stub.sidecar)):
        for _ in draft.add(delta):
            continue
    for _ in draft.ready(stub.tool_calls or ()):
        continue
    return draft


def check_choice(run: OpenRun) -> None:
    """Raise Invalid where a tool is to be called that nobody offers."""
    prompt = run.context.prompt
    names = [tool["function"]["name"] for tool in prompt.tools]
    choice = prompt.tool_choice
    if choice is not None and choice.mode == "function" and choice.name not in names:
        raise Invalid(
            f"tool_choice names {choice.name}, which is none of the tools that are offered: "
            f"{', '.join(names) or 'there are none'}."
        )


def _without_tools(run: OpenRun) -> OpenRun:
    prompt = replace(run.context.prompt, tool_choice=ToolChoice("none"))
    return replace(run, context=replace(run.context, prompt=prompt))


def _stored(call: ToolCall, result: ToolResult) -> StoredOutput:
    output = result.output.replace("\0", "\ufffd")
    return StoredOutput(
        message_id=new_id(),
        tool_call_id=call.id,
        name=call.name,
        output=output,
        is_error=result.is_error,
        tokens=estimate_message_tokens(output),
    )


def _told(run: OpenRun, output: StoredOutput) -> events.ToolResult:
    return events.ToolResult(
        thread_id=run.ids.thread_id,
        assistant_id=run.ids.assistant_id,
        run_id=run.ids.run_id,
        tool_call_id=output.tool_call_id,
        name=output.name or "",
        status="FAILED" if output.is_error else "COMPLETED",
        output=output.output,
    )


def _message_start(run: OpenRun) -> events.MessageStart:
    ids = run.ids
    return events.MessageStart(
        thread_id=ids.thread_id,
        assistant_id=ids.assistant_id,
        run_id=ids.run_id,
        message_id=str(run.answer_id),
    )
