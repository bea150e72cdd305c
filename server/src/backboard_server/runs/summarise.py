"""Summaries: what stands for the part of a thread that no longer fits the model's window.

Made by the worker, never in the reply path; until one is there the window is simply cut.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from uuid import UUID

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Invalid
from backboard_server.domain.keys import Secret
from backboard_server.domain.prompts import Finish, ModelChoice, Prompt, PromptMessage, TextDelta, Usage
from backboard_server.domain.tokens import estimate_tokens
from backboard_server.store.provider_keys import find_sealed_keys
from backboard_server.store.summaries import Unsummarised, find_unsummarised, update_summary

from .afterwards import LeftBehind, count
from .prompts import SUMMARISE

SUMMARY_CHARACTERS_MAX = 4_000
_INPUT_SHARE = 0.6  # of the context window, for what is summarised in one step
_MESSAGE_CHARACTERS_MAX = 4_000  # a longer message is shown by its beginning and its end
_STEPS_MAX = 50  # per job: 20,000 messages; the next turn leaves another job
_EXTRACT_CHARACTERS_MAX = 160  # of each message, where no model is there to condense it

_log = logging.getLogger(__name__)


class SummariseThread(LeftBehind, frozen=True, kw_only=True):
    """The job: which thread, how many of its newest messages to leave out, and the model that it talks to."""

    keep: int
    model_provider: str
    model_name: str


async def summarise_thread(adapters: Adapters, tenant_id: UUID, job: SummariseThread) -> None:
    """Bring the summary of a thread up to date. Twice is as good as once; a deleted thread is fine."""
    choice = ModelChoice(job.model_provider, job.model_name)
    keys = adapters.sealer.keys_of(tenant_id, await find_sealed_keys(adapters.database, tenant_id))
    for _ in range(_STEPS_MAX):
        read = await find_unsummarised(adapters.database, tenant_id, job.thread_id, keep=job.keep)
        if read is None or not read.messages:
            return
        read = _bounded(read, int(adapters.models.facts(choice).context_limit * _INPUT_SHARE))
        if job.model_provider == "local":
            summary = _extract(read)
        else:
            summary, usage = await _condense(adapters, choice, read, keys)
            await count(adapters, tenant_id, job, choice, usage)
        is_ours = await update_summary(
            adapters.database,
            tenant_id,
            job.thread_id,
            read=read,
            summary=summary,
            tokens=estimate_tokens(summary),
        )
        if not is_ours:
            return


def _bounded(read: Unsummarised, tokens_max: int) -> Unsummarised:
    """Return as many of the oldest messages as fit one step, and at least one."""
    taken: list[tuple[int, str, str]] = []
    tokens = 0
    for sequence, role, content in read.messages:
        shown = _shortened(content)
        tokens += estimate_tokens(shown)
        if taken and tokens > tokens_max:
            break
        taken.append((sequence, role, shown))
    return Unsummarised(summary=read.summary, summarised_through=read.summarised_through, messages=taken)


def _shortened(content: str) -> str:
    if len(content) <= _MESSAGE_CHARACTERS_MAX:
        return content
    half = _MESSAGE_CHARACTERS_MAX // 2
    return f"{content[:half]} […] {content[-half:]}"


async def _condense(
    adapters: Adapters, choice: ModelChoice, read: Unsummarised, keys: Mapping[str, Secret]
) -> tuple[str, Usage | None]:
    """Let the thread's own model write the summary; where its provider lost its key, an extract will do.

    Returns it with what the provider counted. Raises Upstream; the job is then tried again later.
    """
    lines = [f"<{role}>\n{content}\n</{role}>" for _, role, content in read.messages if content]
    if read.summary:
        lines.insert(0, f"<summary_so_far>\n{read.summary}\n</summary_so_far>")
    material = PromptMessage("user", "\n".join(lines))
    prompt = Prompt(choice=choice, messages=(PromptMessage("system", SUMMARISE), material), keys=keys)
    texts: list[str] = []
    usage: Usage | None = None
    try:
        stream = adapters.models.stream(prompt, streamed=False)
    except Invalid as error:
        _log.warning("a thread is summarised without its model: %s", error.message)
        return _extract(read), None
    async with aclosing(stream) as deltas:
        async for delta in deltas:
            if isinstance(delta, TextDelta):
                texts.append(delta.text)
            elif isinstance(delta, Finish):
                usage = delta.usage
    written = "".join(texts).replace("\0", "").strip()
    return written[:SUMMARY_CHARACTERS_MAX] or _extract(read), usage


def _extract(read: Unsummarised) -> str:
    """Summarise without a model: the beginning of each user message, the newest of them if they are many."""
    said = [f"The {role} said: {_opening(content)}" for _, role, content in read.messages if role == "user"]
    lines = [*(read.summary or "").splitlines(), *said]
    kept: list[str] = []
    size = 0
    for line in reversed(lines):
        size += len(line) + 1
        if size > SUMMARY_CHARACTERS_MAX:
            break
        kept.append(line)
    return "\n".join(reversed(kept))


def _opening(content: str) -> str:
    flat = " ".join(content.split())
    if len(flat) <= _EXTRACT_CHARACTERS_MAX:
        return flat
    return flat[:_EXTRACT_CHARACTERS_MAX].rsplit(" ", 1)[0] + " …"
