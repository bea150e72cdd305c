"""The answer to a message: the models are asked, and where a form was asked for, held to it.

An answer in a form is kept back until it has been checked: what a client has read cannot be taken back. A
model that missed the form is told so and asked once more; then the run fails, and says what was wrong.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Upstream
from backboard_server.domain.events import Event
from backboard_server.domain.prompts import Prompt, PromptMessage, Usage

from .attachments import with_files
from .draft import Draft
from .finish import OpenRun
from .formats import Checked, check
from .generate import generate
from .prompts import REPAIR
from .spending import Allowance, cost_of


async def answer(adapters: Adapters, run: OpenRun, draft: Draft, *, streamed: bool) -> AsyncGenerator[Event]:
    """Write the answer of a run into `draft` and yield the events of it.

    Raises what `generate` raises, and Upstream (invalid_output) for an answer that missed its form twice.
    """
    prompt = await with_files(adapters, run.context)
    async with aclosing(_asked(adapters, run, prompt, draft, streamed=streamed)) as asking:
        async for event in asking:
            yield event
    if prompt.response_format is None:
        return
    checked = _checked(prompt, draft)
    if checked.problem is not None:
        again = _repairing(prompt, draft, checked.problem)
        draft.start_over()
        async with aclosing(_asked(adapters, run, again, draft, streamed=streamed)) as asking:
            async for event in asking:
                yield event
        checked = _checked(prompt, draft)
    if checked.problem is not None:
        raise Upstream(
            f"{draft.choice.model} did not answer in the form that response_format asks for, twice over: "
            f"{checked.problem}. Simplify the schema, or choose another model.",
            kind="invalid_output",
            provider=draft.choice.provider,
        )
    for event in draft.release(checked.content):
        yield event


def _asked(
    adapters: Adapters, run: OpenRun, prompt: Prompt, draft: Draft, *, streamed: bool
) -> AsyncGenerator[Event]:
    prompt = replace(prompt, choice=draft.choice)
    fallbacks = tuple(choice for choice in run.fallbacks if choice != draft.choice)
    left, facts_of = run.turn.budget_left_usd, adapters.models.facts
    allowance = None
    if left is not None:
        spent = cost_of(draft.usage or Usage(), facts_of(draft.choice)) or 0.0
        input_tokens = round(run.context.tokens * run.turn.token_ratio)
        allowance = Allowance(left - spent, input_tokens, facts_of)
    return generate(adapters, prompt, draft, streamed=streamed, fallbacks=fallbacks, allowance=allowance)


def _checked(prompt: Prompt, draft: Draft) -> Checked:
    """Check the answer; calls of tools are not one yet, whatever was said beside them."""
    if prompt.response_format is None or draft.tool_calls:
        return Checked(draft.content)
    return check(prompt.response_format, draft.content)


def _repairing(prompt: Prompt, draft: Draft, problem: str) -> Prompt:
    """Return the prompt of the second round: what was said, and what is wrong with it."""
    said = PromptMessage("assistant", draft.content or "(nothing)")
    return replace(
        prompt, messages=(*prompt.messages, said, PromptMessage("user", REPAIR.format(problem=problem)))
    )
