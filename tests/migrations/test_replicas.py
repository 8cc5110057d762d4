"""Backfills beside a replica that really follows: they hold while it is behind, and what they wrote arrives there."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from dbtui.commands.following import following
from dbtui.migrations.runner import Runner
from dbtui.model.run import Run, State
from tests.migrations.runs import QUICK, Console, yes
from tests.migrations.runs_elsewhere import table, whole_of
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer

_WORDS = {
    "mysql": ("SHOW BINARY LOG STATUS", "CHANGE REPLICATION SOURCE TO SOURCE", "START REPLICA"),
    "mariadb": ("SHOW MASTER STATUS", "CHANGE MASTER TO MASTER", "START SLAVE"),
}
_COUNT = "SELECT COUNT(*) FROM orders WHERE total = amount * 2"


def follow(replica: MysqlProtocolServer, source: MysqlProtocolServer) -> None:
    """Make a server follow another one from now on."""
    status, change, start = _WORDS[source.engine]
    file, position, *_ = source.sql(status)[0]
    word = change.split()[-1]
    more = f", GET_{word}_PUBLIC_KEY = 1" if source.engine == "mysql" else ""
    replica.sql(
        f"{change}_HOST = '127.0.0.1', {word}_PORT = {source.port}, {word}_USER = '{source.admin}',"
        f" {word}_PASSWORD = '{source.password}', {word}_LOG_FILE = '{file}', {word}_LOG_POS = {position}{more}",
        start,
    )


async def arrived(replica: MysqlProtocolServer, database: str, sql: str, wanted: int) -> None:
    while not replica.sql("SHOW TABLES LIKE 'orders'", database=database) or replica.sql(
        sql, database=database
    ) != [(wanted,)]:
        await asyncio.sleep(0.2)


@pytest.mark.slow
@pytest.mark.parametrize("make", [MysqlServer, MariadbServer])
async def test_a_backfill_holds_while_a_replica_is_behind(make: type[MysqlProtocolServer]) -> None:
    rows = 2_000
    settings = {"server-id": "1", "log-bin": "binlog", "binlog-format": "ROW"}
    with make(settings) as source, make({"server-id": "2"}) as replica:
        follow(replica, source)
        database = source.create_database()
        source.sql(*table(source.engine, rows), database=database)
        plan = whole_of(source.engine, 100)
        while not replica.sql(f"SHOW DATABASES LIKE '{database}'"):
            await asyncio.sleep(0.1)
        await arrived(replica, database, "SELECT COUNT(*) FROM orders", rows)
        blocker = replica.connect(database)
        held: list[str] = []

        def watched(run: Run) -> None:
            if run.current != 2 or run.look is None or held:
                return
            if (run.look.lag or 0.0) > limits.lag:
                runner.pause(False)
            if run.fill is not None and run.fill.held and not run.fill.paused:
                held.append(run.fill.held)
                assert run.fill.rows < rows
                blocker.cursor().execute("UNLOCK TABLES")

        limits = replace(QUICK, lag=1.0)
        url = replica.url(database, tcp=True)
        async with Console(source.url(database)) as console, following([url]) as replicas:
            runner = Runner(
                console.engine, console.target, plan, approve=yes, on_change=watched, limits=limits, replicas=replicas
            )  # fmt: skip
            async with runner:
                await runner.run(until=1)
                await arrived(replica, database, "SELECT COUNT(*) FROM orders WHERE total IS NULL", rows)
                blocker.cursor().execute("LOCK TABLES orders READ")
                source.sql(
                    "UPDATE orders SET total = amount * 2, touched = 1 WHERE id = 3", database=database
                )
                runner.pause(True)
                run = await runner.run()
        assert held and held[0].startswith("a replica is"), run.lines
        assert [one.state for one in run.steps] == [State.DONE] * 5, run.lines
        await arrived(replica, database, _COUNT, rows)
        blocker.close()
