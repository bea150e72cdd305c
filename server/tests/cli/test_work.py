"""`backboard work`: the job worker as a process."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from backboard_server.domain.ids import new_id
from backboard_server.store.database import Database
from running_server import COMMAND, DEADLINE_SECONDS, bare_environment, run_command
from tenants import Tenant
from waiting import wait_until


async def test_it_runs_jobs_until_it_is_told_to_stop(
    database: Database, tenant: Tenant, data_dir: Path
) -> None:
    tenant_id = tenant.caller.tenant_id
    async with database.tenant(tenant_id) as connection:
        await connection.execute(
            "INSERT INTO jobs (tenant_id, id, kind, subject, payload) "
            """VALUES ($1, $2, 'delete_blobs', 'nothing', '{"keys": []}')""",
            tenant_id,
            new_id(),
        )
    worker = await asyncio.create_subprocess_exec(
        *COMMAND, "work", "--data-dir", str(data_dir), env=bare_environment(), stderr=asyncio.subprocess.PIPE
    )

    await wait_until(lambda: has_no_jobs(database, tenant))
    worker.send_signal(signal.SIGTERM)
    _, log = await asyncio.wait_for(worker.communicate(), DEADLINE_SECONDS)

    assert worker.returncode == 0
    assert b"Traceback" not in log  # other tests' jobs may be there, and may fail


def test_without_a_database_it_ends_with_a_remedy(tmp_path: Path) -> None:
    ended = run_command("work", "--data-dir", str(tmp_path))

    assert ended.returncode == 1
    assert ended.stderr.startswith("backboard: ")
    assert "Traceback" not in ended.stderr


async def has_no_jobs(database: Database, tenant: Tenant) -> bool:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        return await connection.fetchval("SELECT NOT EXISTS (SELECT FROM jobs)")
