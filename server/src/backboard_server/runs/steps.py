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

from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain import events
from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.events import Event, LastEvent
from backboard_server.domain.prompts import Finish, PromptMessage, TextDelta, ToolChoice, Usage
from backboard_server.domain.threads import HistoryMessage
from backboard_server.tools import Toolbox, open_toolbox

from .answer import answer
from .beginnings import where
from .context import extended, with_tools
from .draft import Draft, Said
from .finish import OpenRun, finish, finish_outputs, finish_step
from .spending import cost_of
from .tool_use import ToolUse, executed, told_of
from .unbroken import unbroken

TOOL_ROUNDS_MAX = 16  # of the server's own tools in one run; after that the model must answer without them


class Course:
    """Where a run stands: its present step, and what has been said in it."""

    def __init__(self, run: OpenRun) -> None:
        """Begin with the present step of a run."""
        self.run = run
        self.draft = new_draft(run)
        self._offers_tools = bool(run.context.prompt.tools)

    def uses(self, toolbox: Toolbox, answer_id: UUID, draft: Draft, *, is_again: bool = False) -> ToolUse:
        """Return the calls of an answer by who executes them; what nobody has is the application's."""
        own = [call for call in draft.tool_calls if toolbox.has(call.name) or not self._offers_tools]
        others = tuple(call for call in draft.tool_calls if call not in own)
        return ToolUse(answer_id=answer_id, draft=draft, own=tuple(own), others=others, is_again=is_again)

    def begin(self, run: OpenRun) -> None:
        """Begin the next step: the answer before it is stored, and its calls are under way."""
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
    use = course.uses(toolbox, course.run.answer_id, course.draft)
    if not use.own:
        last, _ = await unbroken(finish(adapters, course.run, course.draft, datetime.now(UTC)))
        yield last
        return
    storing = finish_step(adapters, course.run, course.draft, datetime.now(UTC))
    following, is_stopped = await unbroken(storing)
    course.begin(following)
    if is_stopped:
        raise asyncio.CancelledError
    for event in await _use_tools(adapters, course, toolbox, use):
        yield event


async def _interrupted_step(
    adapters: Adapters, course: Course, toolbox: Toolbox, *, streamed: bool
) -> AsyncGenerator[Event]:
    """Take up the step whose answer is stored, and whose tools were at work when a process was lost."""
    stub = course.run.interrupted
    assert stub is not None  # noqa: S101 - as asked by the caller
    course.run = replace(course.run, interrupted=None)
    use = course.uses(toolbox, stub.id, _restored(course.run, stub), is_again=True)
    for event in await _use_tools(adapters, course, toolbox, use):
        yield event


async def _use_tools(adapters: Adapters, course: Course, toolbox: Toolbox, use: ToolUse) -> list[Event]:
    """Execute the calls that are the server's, store the results, and show them to the next step.

    Returns the events of it. Where the application has calls to execute too, the run waits for those.
    """
    run = course.run
    outputs = await executed(run, toolbox, use)
    told = [*told_of(run, outputs)]
    if not use.others:
        told += [events.MessageStart(**where(run.ids), message_id=str(run.answer_id))]
    told, is_stopped = await unbroken(finish_outputs(adapters, run, use, outputs, told))
    if use.others:
        return told
    spent = cost_of(use.draft.usage or Usage(), adapters.models.facts(use.draft.choice)) or 0.0
    shown = [PromptMessage("tool", output.output, tool_call_id=output.tool_call_id) for output in outputs]
    message_ids = [use.answer_id, *(output.message_id for output in outputs)]
    context = extended(run.context, use.draft, shown, message_ids)
    course.run = replace(run, context=context, spent_usd=run.spent_usd + spent)
    if is_stopped:
        raise asyncio.CancelledError
    return told


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
