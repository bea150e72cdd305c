"""Taking a message in."""

from __future__ import annotations

import pytest

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Invalid, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import SendMessage
from backboard_server.runs.accept import accept_message
from backboard_server.runs.finish import OpenRun
from backboard_server.store import threads
from backboard_server.store.turns import StoredFile
from fake_vendor import FakeVendor
from tenants import Tenant


async def test_the_message_is_stored_before_any_model_is_asked(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    file = StoredFile(document_id=new_id(), filename="a.txt", file_size_bytes=3, blob_key="k")

    accepted = await accept_message(adapters, tenant.caller, SendMessage(content="Hi"), [file])

    assert isinstance(accepted.run, OpenRun)
    thread = await threads.get_thread(adapters.database, tenant.caller.tenant_id, accepted.run.turn.thread_id)
    assert [message.content for message in thread.messages] == ["Hi"]
    assert thread.messages[0].attachments == accepted.attachments
    assert accepted.run.choice.provider == "openai"
    assert not vendor.requests


async def test_without_a_model_there_is_no_run(adapters: Adapters, tenant: Tenant) -> None:
    accepted = await accept_message(
        adapters, tenant.caller, SendMessage(content="Keep", send_to_llm=False), []
    )

    assert accepted.run is None
    assert accepted.ids.run_id is None


async def test_what_is_refused_is_not_stored(adapters: Adapters, tenant: Tenant) -> None:
    with pytest.raises(Invalid, match="no-such"):
        await accept_message(adapters, tenant.caller, SendMessage(content="x", llm_provider="no-such"), [])
    with pytest.raises(NotFound):
        await accept_message(adapters, tenant.caller, SendMessage(content="x", thread_id=new_id()), [])

    assert await threads.list_threads(adapters.database, tenant.caller.tenant_id, skip=0, limit=9) == []
