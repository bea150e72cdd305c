"""Calling the model: what is tried again, when, and how often."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from app_under_test import VENDOR_KEY
from backboard_server.adapters import Adapters, Limits
from backboard_server.domain.errors import Upstream
from backboard_server.domain.events import Event, ModelFallback, RunIds
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage
from backboard_server.providers import Providers
from backboard_server.providers.outside import GuardedOutside
from backboard_server.runs import generate as generating
from backboard_server.runs.draft import Draft
from backboard_server.runs.generate import ATTEMPTS_MAX, generate
from backboard_server.store.blobs import Blobs
from backboard_server.store.database import Database
from backboard_server.store.sealing import Sealer
from fake_vendor import Answer, FakeVendor, Fault, Status

SECOND = ModelChoice("openai", "gpt-4o-mini")
PROMPT = Prompt(choice=ModelChoice("openai", "gpt-4o"), messages=(PromptMessage("user", "Hi"),))


@pytest.fixture
async def models(vendor: FakeVendor) -> AsyncGenerator[Providers]:
    models = Providers({"OPENAI_API_KEY": VENDOR_KEY, "OPENAI_BASE_URL": vendor.base_url})
    yield models
    await models.aclose()


async def answered(
    models: Providers,
    database: Database,
    blobs: Blobs,
    limits: Limits,
    fallbacks: tuple[ModelChoice, ...] = (),
    seen: list[Event] | None = None,
) -> Draft:
    sealer = Sealer([], Path("/nowhere"))  # no key of a tenant is at play here
    adapters = Adapters(
        database=database,
        blobs=blobs,
        models=models,
        outside=GuardedOutside(None),
        sealer=sealer,
        limits=limits,
    )
    draft = Draft(RunIds("t", "a", "r"), PROMPT.choice)
    async for event in generate(adapters, PROMPT, draft, streamed=True, fallbacks=fallbacks):
        if seen is not None:
            seen.append(event)
    return draft


@pytest.fixture
def quick() -> Limits:
    return Limits(retry_base_seconds=0.001)


async def test_a_failure_that_passes_is_tried_again(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.SERVER_ERROR), Answer(fault=Fault.ERROR_FIRST), Answer(text="Hello"))

    draft = await answered(models, database, blobs, quick)

    assert draft.content == "Hello"
    assert len(vendor.requests) == ATTEMPTS_MAX


async def test_the_attempts_are_bounded(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.UNAVAILABLE))

    with pytest.raises(Upstream):
        await answered(models, database, blobs, quick)

    assert len(vendor.requests) == ATTEMPTS_MAX


@pytest.mark.parametrize(
    "fault", [Fault.UNAUTHORIZED, Fault.CONTEXT_LENGTH, Fault.MODEL_MISSING, Fault.RATE_LIMITED]
)
async def test_a_failure_that_stays_is_not_tried_again(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits, fault: Fault
) -> None:
    vendor.script(Answer(fault=fault))

    with pytest.raises(Upstream):
        await answered(models, database, blobs, quick)

    assert len(vendor.requests) == 1


async def test_nothing_is_repeated_once_something_was_said(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(text="one two three", chunks=3, fault=Fault.TRUNCATED))

    with pytest.raises(Upstream) as raised:
        await answered(models, database, blobs, quick)

    assert raised.value.kind == "truncated"
    assert len(vendor.requests) == 1


async def test_a_retry_after_that_fits_the_budget_is_waited_for(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.RATE_LIMITED_MILLISECONDS), Answer(text="Hello"))
    started = time.monotonic()

    draft = await answered(models, database, blobs, quick)

    assert draft.content == "Hello"
    assert time.monotonic() - started > quick.retry_base_seconds


async def test_a_retry_after_beyond_the_budget_fails_at_once(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.RATE_LIMITED_HOUR))

    with pytest.raises(Upstream) as raised:
        await answered(models, database, blobs, quick)

    assert raised.value.retry_after_seconds == 3600
    assert len(vendor.requests) == 1


async def test_an_answer_that_never_ends_is_stopped(
    models: Providers,
    database: Database,
    blobs: Blobs,
    vendor: FakeVendor,
    quick: Limits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(generating, "ANSWER_SECONDS_MAX", 0.7)
    vendor.script(Answer(text="on and on " * 1_000, chunks=1_000, chunk_delay_seconds=0.01))

    with pytest.raises(Upstream, match="stopped") as raised:
        await answered(models, database, blobs, quick)

    assert raised.value.kind == "timeout"
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        (Fault.UNAVAILABLE, "provider_failed", ATTEMPTS_MAX),
        (Fault.CONTEXT_LENGTH, "provider_context_length", 1),
        (Fault.MODEL_MISSING, "provider_model_missing", 1),
        (Fault.UNAUTHORIZED, "provider_rejected_key", 1),
        (Fault.RATE_LIMITED, "provider_rate_limited", 1),
    ],
)
async def test_a_model_that_fails_for_good_is_followed_by_the_next(
    models: Providers,
    database: Database,
    blobs: Blobs,
    vendor: FakeVendor,
    quick: Limits,
    failure: tuple[Fault, str, int],
) -> None:
    fault, code, attempts = failure
    vendor.script(*[Answer(fault=fault)] * attempts, Answer(text="Hello"))
    seen: list[Event] = []

    draft = await answered(models, database, blobs, quick, (SECOND,), seen)

    assert (draft.content, draft.choice) == ("Hello", SECOND)
    assert [(attempt.model_name, attempt.error_code) for attempt in draft.attempts] == [
        ("gpt-4o", code),
        ("gpt-4o-mini", None),
    ]
    assert isinstance(seen[0], ModelFallback)
    assert (seen[0].model_name, seen[0].failed) == ("gpt-4o-mini", draft.attempts[0])


async def test_the_last_failure_is_the_one_that_is_told(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.UNAUTHORIZED), Answer(fault=Fault.MODEL_MISSING))

    with pytest.raises(Upstream) as raised:
        await answered(models, database, blobs, quick, (SECOND,))

    assert raised.value.kind == "model_missing"


async def test_a_request_that_is_wrong_everywhere_goes_nowhere_else(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Status(status=400, kind="invalid")))

    with pytest.raises(Upstream):
        await answered(models, database, blobs, quick, (SECOND,))

    assert len(vendor.requests) == 1


async def test_no_other_model_continues_what_one_has_begun(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(text="one two three", chunks=3, fault=Fault.TRUNCATED))

    with pytest.raises(Upstream):
        await answered(models, database, blobs, quick, (SECOND,))

    assert len(vendor.requests) == 1
