"""What the server's log keeps of the last deadlock: read from real servers that write one, and from pasted text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from dbtui.cli import main
from dbtui.engines.postgres import deadlocks
from dbtui.engines.postgres.activity import PostgresMonitor
from tests.engines.postgres.sessions import client, working
from tests.servers.postgres import PostgresServer


@pytest.fixture(
    scope="module",
    params=[(15, "stderr"), (18, "csvlog"), (18, "jsonlog")],
    ids=["pg15-stderr", "pg18-csv", "pg18-json"],
)
def logging(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A server that writes its log to a file of its own."""
    version, form = request.param
    settings = {"logging_collector": "on", "log_destination": form, "deadlock_timeout": "100ms"}
    with PostgresServer(version, settings) as server:
        server.psql("create table stock (n int primary key, v int); insert into stock values (1, 1), (2, 2)")
        yield server


async def deadlock(server: PostgresServer) -> tuple[int, int]:
    async with client(server) as one, client(server) as other:
        for session, row in ((one, 1), (other, 2)):
            await session.execute(f"begin; update stock set v = 10 where n = {row}")
        crossed = [
            one.execute("update stock set v = 11\n where n = 2"), other.execute("update stock set v = 12 where n = 1"),
        ]  # fmt: skip
        outcomes = await asyncio.gather(*crossed, return_exceptions=True)
        assert sum(isinstance(outcome, asyncpg.DeadlockDetectedError) for outcome in outcomes) == 1
        return one.get_server_pid(), other.get_server_pid()


async def test_the_last_deadlock_is_read_from_the_log(logging: PostgresServer, capsys: Any) -> None:
    async with working(logging) as (connector, _):
        monitor = PostgresMonitor(connector)
        before = await monitor.last_deadlock()
        assert not before.parties and "no deadlock" in before.note
        pids = await deadlock(logging)
        async with asyncio.timeout(10):  # the collector writes when it comes to it
            while not (found := await monitor.last_deadlock()).parties:
                await asyncio.sleep(0.1)
    assert {party.session for party in found.parties} == {str(pid) for pid in pids}
    assert {" ".join(party.statement.split()) for party in found.parties} == {
        "update stock set v = 11 where n = 2", "update stock set v = 12 where n = 1",
    }  # fmt: skip
    assert sum(party.victim for party in found.parties) == 1 and found.at[:2] == "20"
    assert all("ShareLock on transaction" in party.waits for party in found.parties)
    folder = Path(logging.psql("show data_directory").strip())
    file = folder / logging.psql("select pg_current_logfile()").strip()
    assert main(["logs", str(file), "--json", "--with-literals"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["deadlocks"]
    assert [party["session"] for party in told["parties"]] == [party.session for party in found.parties]
    assert [party["statement"] for party in told["parties"]] == [party.statement for party in found.parties]
    assert main(["logs", str(file)]) == 0
    text = capsys.readouterr().out
    assert "1 deadlock, the newest first" in text and "update stock set v = ? where n = ?" in text
    assert f"process {next(p.session for p in found.parties if p.victim)}, rolled back" in text


async def test_a_log_that_may_not_be_read_is_told_with_the_grant(logging: PostgresServer) -> None:
    logging.psql("drop role if exists plain; create role plain login")
    async with working(logging, user="plain") as (connector, _):
        found = await PostgresMonitor(connector).last_deadlock()
    assert "GRANT pg_monitor, pg_read_server_files TO plain;" in found.note


async def test_without_a_log_file_the_note_says_so(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, _):
        assert "logging_collector" in (await PostgresMonitor(connector).last_deadlock()).note


def test_the_last_of_several_counts() -> None:
    one = (
        "2024-01-0{n} 10:00:00.1 UTC [{n}] ERROR:  deadlock detected\n"
        "2024-01-0{n} 10:00:00.1 UTC [{n}] DETAIL:  "
        "Process {n} waits for ShareLock on transaction 5; blocked by process 9.\n"
        "\tProcess 9 waits for ShareLock on transaction 6; blocked by process {n}.\n"
        "\tProcess {n}: update a\n\t set x = 1\n\tProcess 9: update b\n"
        "2024-01-0{n} 10:00:00.1 UTC [{n}] HINT:  See server log for query details.\n"
        "2024-01-0{n} 10:00:01.1 UTC [{n}] LOG:  something else\n"
    )
    found = deadlocks.read(one.format(n=3) + one.format(n=4))
    assert [(party.session, party.victim) for party in found.parties] == [("4", True), ("9", False)]
    assert found.parties[1].statement == "update b" and found.at == "2024-01-04 10:00:00.1"
