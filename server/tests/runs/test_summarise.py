"""Summaries: what stands for the part of a thread that no longer fits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Upstream
from backboard_server.domain.ids import new_id
from backboard_server.domain.threads import Turn
from backboard_server.runs import summarise
from backboard_server.runs.prompts import SUMMARISE
from backboard_server.runs.summarise import SUMMARY_CHARACTERS_MAX, SummariseThread, summarise_thread
from backboard_server.store.provider_keys import set_provider_key
from backboard_server.store.threads import delete_thread
from backboard_server.store.usage import list_recent_runs
from fake_vendor import Answer, FakeVendor, Fault, Tokens
from tenants import Tenant
from turn_requests import opening, say, turn_of


async def make_thread(adapters: Adapters, tenant: Tenant, *contents: str) -> UUID:
    """A thread in which this was said, each with its answer."""
    thread_id = None
    for content in contents:
        thread_id = (await say(adapters.database, tenant, thread_id, content)).thread_id
    assert thread_id is not None
    return thread_id


async def run_job(adapters: Adapters, tenant: Tenant, thread_id: UUID, **fields: Any) -> None:
    local: dict[str, Any] = {"model_provider": "local", "model_name": "quotes"}
    defaults: dict[str, Any] = {"keep": 2, "assistant_id": new_id()} | local
    job = SummariseThread(thread_id=thread_id, **(defaults | fields))
    await summarise_thread(adapters, tenant.caller.tenant_id, job)


async def following_turn(adapters: Adapters, tenant: Tenant, thread_id: UUID) -> Turn:
    request = opening(thread_id=thread_id, history_tokens_max=100_000, history_messages_max=100)
    return await turn_of(adapters.database, tenant, request)


OPENAI: dict[str, Any] = {"model_provider": "openai", "model_name": "gpt-4o"}


async def test_without_a_model_the_summary_is_what_the_user_said(adapters: Adapters, tenant: Tenant) -> None:
    thread_id = await make_thread(adapters, tenant, "My name\nis   Ada", "I like tea", "Bye")

    await run_job(adapters, tenant, thread_id)

    turn = await following_turn(adapters, tenant, thread_id)
    assert turn.summary == "The user said: My name is Ada\nThe user said: I like tea"
    assert turn.summary_tokens == 14
    assert [message.content for message in turn.history] == ["Bye", "re: Bye"]


async def test_a_summary_grows_with_what_follows(adapters: Adapters, tenant: Tenant) -> None:
    thread_id = await make_thread(adapters, tenant, "one", "two")
    await run_job(adapters, tenant, thread_id)
    await say(adapters.database, tenant, thread_id, "three")

    await run_job(adapters, tenant, thread_id)

    turn = await following_turn(adapters, tenant, thread_id)
    assert turn.summary == "The user said: one\nThe user said: two"


async def test_a_second_run_of_the_same_job_changes_nothing(adapters: Adapters, tenant: Tenant) -> None:
    thread_id = await make_thread(adapters, tenant, "one", "two")

    await run_job(adapters, tenant, thread_id)
    await run_job(adapters, tenant, thread_id)

    assert (await following_turn(adapters, tenant, thread_id)).summary == "The user said: one"


async def test_an_extract_keeps_the_newest_within_its_limit_and_the_beginnings_of_long_messages(
    adapters: Adapters, tenant: Tenant
) -> None:
    contents = [f"{number} " + "word " * 100 for number in range(60)]
    thread_id = await make_thread(adapters, tenant, *contents)

    await run_job(adapters, tenant, thread_id)

    summary = (await following_turn(adapters, tenant, thread_id)).summary
    assert summary is not None
    lines = summary.splitlines()
    assert len(summary) <= SUMMARY_CHARACTERS_MAX < len(summary) + 200
    assert lines[-1].startswith("The user said: 58 word word")
    assert all(line.endswith("word …") and len(line) < 200 for line in lines)


async def test_what_a_summary_cost_is_counted_for_the_run_that_asked_for_it(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="They met.", usage=Tokens(prompt=1_000_000, completion=0)))
    thread_id = await make_thread(adapters, tenant, "one", "two")
    before = datetime.now(UTC) - timedelta(seconds=1)
    earlier, _ = await list_recent_runs(adapters.database, tenant.caller.tenant_id, before, skip=0, limit=10)

    await run_job(adapters, tenant, thread_id, key_id=tenant.caller.key_id, assistant_id=new_id(), **OPENAI)

    now, _ = await list_recent_runs(adapters.database, tenant.caller.tenant_id, before, skip=0, limit=10)
    assert len(now) == len(earlier) + 1
    assert (now[0].model_name, now[0].input_tokens, now[0].cost_usd) == ("gpt-4o", 1_000_000, 2.5)


async def test_the_threads_own_model_writes_the_summary(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="  They met.\n"))
    thread_id = await make_thread(adapters, tenant, "one", "two")

    await run_job(adapters, tenant, thread_id, **OPENAI)

    assert (await following_turn(adapters, tenant, thread_id)).summary == "They met."
    asked = vendor.requests[-1].body
    assert asked["model"] == "gpt-4o"
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert asked["messages"][0]["content"] == SUMMARISE
    assert asked["messages"][1]["content"] == "<user>\none\n</user>\n<assistant>\nre: one\n</assistant>"


async def test_the_model_sees_the_summary_so_far(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="They met."), Answer(text="They met again."))
    thread_id = await make_thread(adapters, tenant, "one", "two")
    await run_job(adapters, tenant, thread_id, **OPENAI)
    await say(adapters.database, tenant, thread_id, "three")

    await run_job(adapters, tenant, thread_id, **OPENAI)

    assert (await following_turn(adapters, tenant, thread_id)).summary == "They met again."
    material = vendor.requests[-1].body["messages"][1]["content"]
    assert material.startswith("<summary_so_far>\nThey met.\n</summary_so_far>\n<user>\ntwo\n")


async def test_a_long_thread_is_summarised_in_steps_that_fit_the_model(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summarise, "_INPUT_SHARE", 100 / 128_000)  # a hundred tokens a step
    vendor.script(*(Answer(text=f"Summary {number}") for number in range(1, 4)))
    thread_id = await make_thread(adapters, tenant, *("x" * 160 for _ in range(4)))

    await run_job(adapters, tenant, thread_id, **OPENAI)

    sizes = [len(request.body["messages"][1]["content"]) for request in vendor.requests]
    assert len(sizes) == 3
    assert max(sizes) < 600
    assert (await following_turn(adapters, tenant, thread_id)).summary == "Summary 3"


async def test_a_message_that_is_longer_than_a_step_is_shown_by_its_ends(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="Long."))
    thread_id = await make_thread(adapters, tenant, "a" * 50_000 + "z" * 50_000, "two")

    await run_job(adapters, tenant, thread_id, **OPENAI)

    material = vendor.requests[-1].body["messages"][1]["content"]
    assert f"{'a' * 2_000} […] {'z' * 2_000}\n" in material
    assert len(material) < 10_000


async def test_an_overlong_summary_is_cut_and_an_empty_one_replaced(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="y" * 10_000), Answer(text=" \n "))
    long = await make_thread(adapters, tenant, "one", "two")
    empty = await make_thread(adapters, tenant, "one", "two")

    await run_job(adapters, tenant, long, **OPENAI)
    await run_job(adapters, tenant, empty, **OPENAI)

    assert (await following_turn(adapters, tenant, long)).summary == "y" * SUMMARY_CHARACTERS_MAX
    assert (await following_turn(adapters, tenant, empty)).summary == "The user said: one"


async def test_a_model_that_fails_leaves_the_summary_as_it_was(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(fault=Fault.SERVER_ERROR))
    thread_id = await make_thread(adapters, tenant, "one", "two")

    with pytest.raises(Upstream):
        await run_job(adapters, tenant, thread_id, **OPENAI)

    turn = await following_turn(adapters, tenant, thread_id)
    assert (turn.summary, len(turn.history)) == (None, 4)


async def test_a_deleted_or_unknown_thread_is_nothing_to_do(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    thread_id = await make_thread(adapters, tenant, "one", "two")
    await delete_thread(adapters.database, tenant.caller.tenant_id, thread_id)

    await run_job(adapters, tenant, thread_id, **OPENAI)
    await run_job(adapters, tenant, new_id(), **OPENAI)

    assert not vendor.requests


async def test_the_tenants_own_key_pays_for_the_summary(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    await set_provider_key(
        adapters.database, adapters.sealer, tenant.caller.tenant_id, "openai", "sk-of-the-tenant"
    )
    vendor.script(Answer(text="The summary."))
    thread_id = await make_thread(adapters, tenant, "one", "two")

    await run_job(adapters, tenant, thread_id, **OPENAI)

    assert (await following_turn(adapters, tenant, thread_id)).summary == "The summary."
    assert vendor.requests[-1].headers["authorization"] == "Bearer sk-of-the-tenant"


async def test_a_provider_that_has_no_key_any_more_leaves_a_summary_without_a_model(
    adapters: Adapters, tenant: Tenant
) -> None:
    thread_id = await make_thread(adapters, tenant, "one", "two")

    await run_job(adapters, tenant, thread_id, model_provider="groq", model_name="llama-3.3-70b-versatile")

    assert (await following_turn(adapters, tenant, thread_id)).summary == "The user said: one"
