"""Work that a run leaves behind for the worker: what it uses of a model is counted as that run's was."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import ModelChoice, Usage
from backboard_server.domain.usage import CountedUsage
from backboard_server.store.usage import count_usage

from .spending import cost_of, price_of


class LeftBehind(Struct, frozen=True, kw_only=True):
    """A job about a thread, of the run that was asked for with this key, of this assistant."""

    thread_id: UUID
    assistant_id: UUID
    key_id: UUID | None = None


async def count(
    adapters: Adapters, tenant_id: UUID, job: LeftBehind, choice: ModelChoice, usage: Usage | None
) -> None:
    """Count what a job used, for the key and the assistant of its run; without a key it is nobody's."""
    if usage is None or job.key_id is None:
        return
    facts = adapters.models.facts(choice)
    source, dated = price_of(usage, facts)
    counted = CountedUsage(
        run_id=new_id(),
        key_id=job.key_id,
        assistant_id=job.assistant_id,
        thread_id=job.thread_id,
        model_provider=choice.provider,
        model_name=choice.model,
        usage=usage,
        cost_usd=cost_of(usage, facts),
        price_source=source,
        price_dated=dated,
        created_at=datetime.now(UTC),
    )
    await count_usage(adapters.database, tenant_id, counted)
