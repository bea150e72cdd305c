"""The answer of one step: the models are asked, and what they give is held to its form.

Text in a form is kept back until it has been checked: what a client has read cannot be taken back. Calls of
tools are repaired where that is possible. A model that missed is told so and asked once more; then the run
fails, and says what was wrong.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Upstream
from backboard_server.domain.events import Event
from backboard_server.domain.prompts import Prompt, PromptMessage, ToolCall, Usage

from .arguments import check_calls, repair_request
from .attachments import with_files
from .draft import Draft
from .finish import OpenRun
from .formats import check
from .generate import generate
from .prompts import REPAIR
from .spending import Allowance, cost_of


class _Checked(Struct, frozen=True, kw_only=True):
    """What is taken of an answer, and what is wrong with it: worth asking again, or no good at all."""

    content: str
    calls: tuple[ToolCall, ...] = ()
    problem: str | None = None
    is_fatal: bool = False
    request: str = ""


async def answer(adapters: Adapters, run: OpenRun, draft: Draft, *, streamed: bool) -> AsyncGenerator[Event]:
    """Write the answer of a step into `draft` and yield the events of it.

    Raises what `generate` raises, and Upstream (invalid_output) for an answer that missed its form twice.
    """
    prompt = await with_files(adapters, run.context)
    async with aclosing(_asked(adapters, run, prompt, draft, streamed=streamed)) as asking:
        async for event in asking:
            yield event
    checked = _check(prompt, draft)
    if checked.problem is not None:
        again = _repairing(prompt, draft, checked)
        draft.ask_again() if prompt.response_format is None else draft.start_over()
        async with aclosing(_asked(adapters, run, again, draft, streamed=streamed)) as asking:
            async for event in asking:
                yield event
        checked = _check(prompt, draft)
    if checked.is_fatal:
        raise Upstream(
            f"{draft.choice.model} did not answer in the form that was asked for, twice over: "
            f"{checked.problem}. Simplify the schema, or choose another model.",
            kind="invalid_output",
            provider=draft.choice.provider,
        )
    if prompt.response_format is not None:
        for event in draft.release(checked.content):
            yield event
    if checked.calls:
        for event in draft.ready(checked.calls):
            yield event


def _asked(
    adapters: Adapters, run: OpenRun, prompt: Prompt, draft: Draft, *, streamed: bool
) -> AsyncGenerator[Event]:
    prompt = draft.shown = replace(prompt, choice=draft.choice)
    fallbacks = tuple(choice for choice in run.fallbacks if choice != draft.choice)
    left, facts_of = run.turn.budget_left_usd, adapters.models.facts
    allowance = None
    if left is not None:
        spent = run.spent_usd + (cost_of(draft.usage or Usage(), facts_of(draft.choice)) or 0.0)
        input_tokens = round(run.context.tokens * run.turn.token_ratio)
        allowance = Allowance(left - spent, input_tokens, facts_of)
    return generate(adapters, prompt, draft, streamed=streamed, fallbacks=fallbacks, allowance=allowance)


def _check(prompt: Prompt, draft: Draft) -> _Checked:
    """Check the calls, or where there are none the text.

    Calls are no answer yet, whatever was said beside them.
    """
    if draft.tool_calls:
        used_ids = {call.id for message in prompt.messages for call in message.tool_calls}
        found = check_calls(draft.tool_calls, prompt.tools, used_ids=used_ids)
        # Arguments that can be read although they were cut are not what the model meant to say.
        is_cut = draft.finish is not None and draft.finish.reason == "length"
        return _Checked(
            content=draft.content,
            calls=found.calls,
            problem="; ".join(flaw.sentence for flaw in found.flaws) or None,
            is_fatal=any(flaw.is_fatal or is_cut for flaw in found.flaws),
            request=repair_request(found.flaws) if found.flaws else "",
        )
    if prompt.response_format is None:
        return _Checked(content=draft.content)
    form = check(prompt.response_format, draft.content)
    return _Checked(
        content=form.content,
        problem=form.problem,
        is_fatal=form.problem is not None,
        request=REPAIR.format(problem=form.problem),
    )


def _repairing(prompt: Prompt, draft: Draft, checked: _Checked) -> Prompt:
    """Return the prompt of the second round: what was said, and what is wrong with it."""
    said = draft.content or "\n".join(f"{call.name}({call.arguments})" for call in draft.tool_calls)
    second = (PromptMessage("assistant", said or "(nothing)"), PromptMessage("user", checked.request))
    return replace(prompt, messages=(*prompt.messages, *second))
