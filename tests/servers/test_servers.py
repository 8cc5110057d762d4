"""The servers of the tests come up as promised and go away whatever happens."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from tests.servers import places
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer


async def test_both_ways_in_lead_to_the_version_asked_for(postgres: PostgresServer) -> None:
    database = postgres.create_database('weird "name"')
    for tcp in (False, True):
        connection = await asyncpg.connect(postgres.url(database, tcp=tcp))
        assert connection.get_server_version().major == postgres.version
        assert await connection.fetchval("select current_database()") == database
        await connection.close()
    postgres.drop_database(database)


async def test_the_tcp_way_wants_the_password(postgres18: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres18.url(tcp=True, password="wrong"))


async def test_the_pooler_pools_by_transaction(postgres18: PostgresServer) -> None:
    with PgBouncer(postgres18, {"default_pool_size": "1"}) as pooler:
        clients = [await asyncpg.connect(pooler.url(), statement_cache_size=0) for _ in range(2)]
        assert len({await client.fetchval("select pg_backend_pid()") for client in clients}) == 1
        for client in clients:
            await client.close()


def test_a_server_takes_settings_and_leaves_nothing() -> None:
    with PostgresServer(18, {"max_connections": "7"}) as server:
        assert server.psql("show max_connections") == "7"
        pid, folder = server.pid, server.socket
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists()


def test_a_server_dies_with_a_run_that_is_killed() -> None:
    program = (
        "import time; from tests.servers.postgres import PostgresServer\n"
        "with PostgresServer(18) as server: print(server.pid, flush=True); time.sleep(60)"
    )
    run = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    server = Path("/proc", run.stdout.readline().strip())
    assert server.exists()
    run.kill()
    run.communicate()
    for _ in range(500):
        if not server.exists():
            return
        time.sleep(0.01)
    pytest.fail("the server outlives its run")


def test_a_stray_is_found_and_ended_though_it_left_its_parent() -> None:
    """In a process of its own: here, the servers of this run would count as its children."""
    program = (
        "import os, subprocess; from tests.strays import strays\n"
        "os.environ['DBTUI_TEST_STRAY'] = mark = str(os.getpid())\n"
        "subprocess.run(['setsid', '-f', 'sleep', '600'], check=True)\n"
        "print(strays(f'DBTUI_TEST_STRAY={mark}', patience=0.2), strays(f'DBTUI_TEST_STRAY={mark}'))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"\['\d+: sleep 600'\] \[\]\n", said)


def test_a_missing_server_skips_unless_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "REQUIRED", frozenset())
    with pytest.raises(pytest.skip.Exception, match="install x"):
        places.missing("mysql", "no MySQL: install x")
    monkeypatch.setattr(places, "REQUIRED", frozenset({"mysql"}))
    with pytest.raises(pytest.fail.Exception, match="install x"):
        places.missing("mysql", "no MySQL: install x")
