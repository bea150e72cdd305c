"""Outputs of tools in Postgres: taken once and whole, from the application and from the server's tools."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from backboard_server.domain.errors import Conflict, Invalid, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import Message, RunOptions
from backboard_server.domain.prompts import Thinking, ToolCall, ToolChoice
from backboard_server.store.database import Connection, Database
from backboard_server.store.run_logs import list_rows
from backboard_server.store.runs import Continued, StoredOutput, cancel_run, continue_turn, finish_calls
from backboard_server.store.threads import get_thread
from backboard_server.store.turns import Repeated
from run_requests import (
    CALLS,
    LEASE_SECONDS,
    Begun,
    begin,
    complete,
    continuing,
    outputs_of,
    returning,
    row,
    stored,
    wait_for_tools,
)
from tenants import Tenant
from turn_requests import opening, turn_of

BOTH = {"call_1": "one", "call_2": "two"}


async def submit(database: Database, tenant: Tenant, begun: Begun, **outputs: str) -> Continued:
    request = continuing(begun, outputs_of(**outputs))
    return await continue_turn(database, tenant.caller.tenant_id, request)


async def messages_of(database: Database, tenant: Tenant, begun: Begun) -> list[Message]:
    return (await get_thread(database, tenant.caller.tenant_id, begun.thread_id)).messages


async def test_a_run_goes_on_with_its_outputs(database: Database, tenant: Tenant) -> None:
    waiting = await wait_for_tools(database, tenant, content="question")
    request = continuing(waiting, outputs_of(**BOTH))

    continued = await continue_turn(database, tenant.caller.tenant_id, request)

    held, turn = continued.run, continued.turn
    assert held is not None
    assert turn is not None
    assert (held.run_id, held.thread_id, held.assistant_id) == (
        waiting.run_id, waiting.thread_id, turn.assistant_id,
    )  # fmt: skip
    assert (held.status, held.epoch, held.answer_id) == ("IN_PROGRESS", 2, request.answer_id)
    assert (held.logged_through, held.step_after) == (6, 6)
    assert [(message.role, message.content, message.tool_call_id) for message in turn.history] == [
        ("user", "question", None),
        ("assistant", "", None),
        ("tool", "one", "call_1"),
        ("tool", "two", "call_2"),
    ]
    run = await stored(database, tenant, waiting)
    assert (run.status, run.message_id, run.tool_calls, run.ended_at) == (
        "IN_PROGRESS", request.answer_id, None, None,
    )  # fmt: skip
    rows = await list_rows(database, tenant.caller.tenant_id, waiting.run_id, after=0)
    assert [(logged.first_sequence, logged.last_sequence) for logged in rows] == [(1, 4), (5, 6)]


async def test_outputs_are_messages_of_the_thread_that_say_which_call_they_answer(
    database: Database, tenant: Tenant
) -> None:
    waiting = await wait_for_tools(database, tenant)
    first, second = outputs_of(**BOTH)
    request = continuing(waiting, [replace(second, is_error=True), first])
    await continue_turn(database, tenant.caller.tenant_id, request)

    _, stub, *outputs = await messages_of(database, tenant, waiting)

    assert stub.status == "COMPLETED"
    assert [(output.id, output.role, output.content, output.status) for output in outputs] == [
        (second.message_id, "tool", "two", "FAILED"),
        (first.message_id, "tool", "one", "COMPLETED"),
    ]
    assert [output.metadata for output in outputs] == [
        {"run_id": str(waiting.run_id), "tool_call_id": "call_2", "tool_name": "listen"},
        {"run_id": str(waiting.run_id), "tool_call_id": "call_1", "tool_name": "look"},
    ]


async def test_the_run_that_waits_is_found_by_its_thread(database: Database, tenant: Tenant) -> None:
    waiting = await wait_for_tools(database, tenant)
    request = continuing(waiting, outputs_of(**BOTH), run_id=None)

    continued = await continue_turn(database, tenant.caller.tenant_id, request)

    assert continued.run is not None
    assert continued.run.run_id == waiting.run_id


async def test_a_thread_without_a_run_that_waits_takes_no_outputs(database: Database, tenant: Tenant) -> None:
    turn = await turn_of(database, tenant, opening(run_id=None, answer_id=None))
    request = continuing(Begun(opening(), turn.thread_id), outputs_of(**BOTH), run_id=None)

    with pytest.raises(Conflict, match="No run of this thread waits"):
        await continue_turn(database, tenant.caller.tenant_id, request)


async def test_outputs_for_a_run_of_another_thread_or_tenant_are_not_found(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    waiting, elsewhere = await wait_for_tools(database, tenant), await wait_for_tools(database, tenant)
    outputs = outputs_of(**BOTH)

    with pytest.raises(NotFound, match="Run not found"):
        await continue_turn(
            database, tenant.caller.tenant_id, continuing(waiting, outputs, run_id=elsewhere.run_id)
        )
    with pytest.raises(NotFound, match="Thread not found"):
        await continue_turn(
            database, tenant.caller.tenant_id, continuing(waiting, outputs, thread_id=new_id())
        )
    with pytest.raises(NotFound, match="Thread not found"):
        await continue_turn(database, other_tenant.caller.tenant_id, continuing(waiting, outputs))

    assert (await stored(database, tenant, waiting)).status == "REQUIRES_ACTION"


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ({"call_1": "one"}, "Missing: call_2."),
        ({"call_1": "one", "call_2": "two", "call_3": "three"}, "Unknown: call_3."),
        ({"call_2": "two", "call_9": "nine", "call_8": "eight"}, "Unknown: call_9, call_8. Missing: call_1."),
        ({"x" * 500: "long"}, f"Unknown: {'x' * 100}. Missing: call_1, call_2."),
    ],
)
async def test_outputs_must_be_those_of_the_pending_calls_and_of_all_of_them(
    database: Database, tenant: Tenant, outputs: dict[str, str], sentence: str
) -> None:
    waiting = await wait_for_tools(database, tenant)

    with pytest.raises(Invalid) as raised:
        await submit(database, tenant, waiting, **outputs)

    assert raised.value.message == f"tool_outputs must answer each pending call of the run once. {sentence}"
    assert len(await messages_of(database, tenant, waiting)) == 2
    assert (await stored(database, tenant, waiting)).status == "REQUIRES_ACTION"


async def test_the_same_outputs_again_change_nothing(database: Database, tenant: Tenant) -> None:
    waiting = await wait_for_tools(database, tenant)
    first = await submit(database, tenant, waiting, **BOTH)
    assert first.run is not None

    meanwhile = await submit(database, tenant, waiting, **BOTH)
    await complete(database, tenant, waiting, answer_id=first.run.answer_id, epoch=2)
    afterwards = await submit(database, tenant, waiting, **BOTH)

    assert meanwhile == afterwards == Continued(repeated=Repeated(run_id=waiting.run_id))
    assert [message.role for message in await messages_of(database, tenant, waiting)] == [
        "user", "assistant", "tool", "tool", "assistant",
    ]  # fmt: skip


async def test_other_outputs_for_the_same_calls_are_refused(database: Database, tenant: Tenant) -> None:
    waiting = await wait_for_tools(database, tenant)
    await submit(database, tenant, waiting, **BOTH)

    with pytest.raises(Conflict, match="Other outputs were handed in"):
        await submit(database, tenant, waiting, call_1="one", call_2="another")

    assert [message.content for message in await messages_of(database, tenant, waiting)][2:] == ["one", "two"]


async def test_outputs_of_an_earlier_step_that_come_again_do_not_answer_the_present_one(
    database: Database, tenant: Tenant
) -> None:
    waiting = await wait_for_tools(database, tenant)
    first = await submit(database, tenant, waiting, **BOTH)
    assert first.run is not None
    await complete(
        database, tenant, waiting, answer_id=first.run.answer_id, epoch=2, status="REQUIRES_ACTION",
        tool_calls=(ToolCall("call_3", "look", "{}"),),
    )  # fmt: skip

    again = await submit(database, tenant, waiting, **BOTH)
    next_step = await submit(database, tenant, waiting, call_3="three")

    assert again == Continued(repeated=Repeated(run_id=waiting.run_id))
    assert next_step.run is not None
    assert next_step.run.epoch == 3


@pytest.mark.parametrize("status", ["IN_PROGRESS", "COMPLETED", "CANCELLED"])
async def test_a_run_that_does_not_wait_takes_no_outputs(
    database: Database, tenant: Tenant, status: str
) -> None:
    begun = await begin(database, tenant)
    if status == "CANCELLED":
        await complete(database, tenant, begun, status="REQUIRES_ACTION", tool_calls=CALLS)
        await cancel_run(database, tenant.caller.tenant_id, begun.thread_id, begun.run_id)
    elif status == "COMPLETED":
        await complete(database, tenant, begun)

    with pytest.raises(Conflict, match=f"does not wait for tool outputs: it is {status}") as raised:
        await submit(database, tenant, begun, **BOTH)

    assert raised.value.message.endswith("The run was cancelled.") == (status == "CANCELLED")


async def test_what_is_asked_with_the_outputs_takes_the_place_of_what_the_message_asked(
    database: Database, tenant: Tenant
) -> None:
    options = RunOptions(system_prompt="Stays", thinking=Thinking(effort="low"))
    waiting = await wait_for_tools(database, tenant, options=options)
    request = continuing(
        waiting,
        outputs_of(**BOTH),
        options=RunOptions(thinking=Thinking(effort="high"), tool_choice=ToolChoice("none")),
    )

    continued = await continue_turn(database, tenant.caller.tenant_id, request)

    assert continued.run is not None
    assert continued.run.options == RunOptions(
        system_prompt="Stays", thinking=Thinking(effort="high"), tool_choice=ToolChoice("none")
    )


async def test_outputs_with_a_key_are_taken_once_and_the_key_is_theirs(
    database: Database, tenant: Tenant
) -> None:
    waiting = await wait_for_tools(database, tenant)
    request = continuing(waiting, outputs_of(**BOTH), idempotency_key="a key", fingerprint="00")

    await continue_turn(database, tenant.caller.tenant_id, request)
    again = await continue_turn(database, tenant.caller.tenant_id, request)

    assert again.repeated == Repeated(run_id=waiting.run_id, made_id=request.answer_id)
    with pytest.raises(Conflict, match="Idempotency-Key") as raised:
        await continue_turn(database, tenant.caller.tenant_id, replace(request, fingerprint="ff"))
    assert raised.value.error_code == "idempotency_key_reused"


async def test_the_lease_of_a_run_that_goes_on_begins_anew(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    waiting = await wait_for_tools(database, tenant)
    query = "SELECT lease_until FROM runs WHERE id = $1"
    before = await owner.fetchval(query, waiting.run_id)

    await submit(database, tenant, waiting, **BOTH)

    lease_until = await owner.fetchval(query, waiting.run_id)
    assert before is None
    assert timedelta() < lease_until - datetime.now(UTC) <= timedelta(seconds=LEASE_SECONDS)


async def test_outputs_of_the_servers_own_tools_are_stored_and_the_run_goes_on(
    database: Database, tenant: Tenant
) -> None:
    begun = await begin(database, tenant)
    await complete(database, tenant, begun, status="IN_PROGRESS", tool_calls=CALLS, next_answer_id=new_id())
    outputs = [named(output) for output in outputs_of(**BOTH)]

    assert await finish_calls(database, tenant.caller.tenant_id, returning(begun, outputs))

    assert [message.content for message in await messages_of(database, tenant, begun)][2:] == ["one", "two"]
    assert (await stored(database, tenant, begun)).status == "IN_PROGRESS"
    rows = await list_rows(database, tenant.caller.tenant_id, begun.run_id, after=0)
    assert rows == [row(1, 4), row(5, 7)]


async def test_a_run_whose_other_calls_are_the_applications_waits_for_those_alone(
    database: Database, tenant: Tenant
) -> None:
    begun = await begin(database, tenant)
    await complete(database, tenant, begun, status="IN_PROGRESS", tool_calls=CALLS, next_answer_id=new_id())
    outputs = [named(output) for output in outputs_of(call_1="one")]
    request = returning(
        begun, outputs, status="REQUIRES_ACTION", answer_id=begun.answer_id, tool_calls=CALLS[1:]
    )

    assert await finish_calls(database, tenant.caller.tenant_id, request)

    run = await stored(database, tenant, begun)
    assert (run.status, run.message_id, run.tool_calls) == ("REQUIRES_ACTION", begun.answer_id, [CALLS[1]])
    with pytest.raises(Invalid, match=r"Unknown: call_1\.$"):
        await submit(database, tenant, begun, **BOTH)
    continued = await submit(database, tenant, begun, call_2="two")
    assert continued.turn is not None
    assert [message.content for message in continued.turn.history][-2:] == ["one", "two"]


async def test_outputs_of_a_run_that_changed_hands_or_ended_are_not_stored(
    database: Database, tenant: Tenant
) -> None:
    begun = await begin(database, tenant)
    outputs = outputs_of(call_1="one")

    assert not await finish_calls(database, tenant.caller.tenant_id, returning(begun, outputs, epoch=2))
    await complete(database, tenant, begun)
    assert not await finish_calls(database, tenant.caller.tenant_id, returning(begun, outputs))

    assert len(await messages_of(database, tenant, begun)) == 2


def named(output: StoredOutput) -> StoredOutput:
    names = {call.id: call.name for call in CALLS}
    return replace(output, name=names[output.tool_call_id])
