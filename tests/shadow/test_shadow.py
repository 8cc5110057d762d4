"""The server: there when it is needed, gone with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dbtui.engines.postgres.engine import PostgresEngine
from dbtui.shadow import OWNER, Shadow

_HOLD = """
import asyncio
from dbtui.shadow import Shadow
async def main():
    async with Shadow() as shadow:
        await shadow.start()
        print(shadow.folder, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_nothing_is_left_after_the_end() -> None:
    async with Shadow() as shadow:
        await shadow.start()
        folder = shadow.folder
        assert (folder / "data").is_dir()
    assert not folder.exists()


def test_nothing_is_left_after_sigkill() -> None:
    holder = subprocess.Popen([sys.executable, "-c", _HOLD], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout:
        folder = Path(holder.stdout.readline().strip())
        assert folder.is_dir()
        server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        holder.kill()
        holder.wait()
    deadline = time.monotonic() + 10
    while (folder.exists() or _lives(server)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    assert not _lives(server)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def test_a_killed_guardian_takes_the_server_with_it_and_the_folder_goes_at_the_end() -> None:
    async with Shadow() as shadow:
        await shadow.start()
        assert shadow._guardian is not None
        os.kill(shadow._guardian.pid, signal.SIGKILL)
        await asyncio.sleep(0.1)
    assert not shadow.folder.exists()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_rehearsal_has_the_schema_the_roles_and_no_rows(
    engine: PostgresEngine, shadow: Shadow
) -> None:
    lab = await shadow.rehearsal(engine.source)
    assert lab.missing == ()
    async with shadow.session(lab.database, OWNER) as session:
        assert await session.fetchval("select count(*) from orders") == 0
        await session.execute("alter table orders add column note text not null default 'x'")
        await session.execute(
            "insert into users values (1); insert into orders (id, user_id, at) values (1, 1, now())"
        )
        assert await session.fetchval("select note from orders") == "x"
    await lab.drop()
