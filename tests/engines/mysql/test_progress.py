"""How far an ALTER is, where the server tells; and what to switch on where it does not."""

from __future__ import annotations

import asyncio

import pytest

from dbtui.engines.mysql.actions import MysqlActions
from dbtui.engines.mysql.activity import MysqlMonitor
from dbtui.model.activity import Health, Progress
from dbtui.model.catalog import Kind, Node
from dbtui.model.snapshot import Snapshot
from tests.engines.mysql.sessions import client, running, working
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer


def filled(server: MysqlProtocolServer) -> str:
    database = server.create_database()
    server.sql(
        "create table big (n int primary key auto_increment, v varchar(120))",
        "insert into big (v) values (repeat('x', 100))",
        *["insert into big (v) select v from big"] * 18,
        "commit",
        database=database,
    )
    return database


@pytest.fixture
def staged(mysql9: MysqlServer) -> MysqlServer:
    """A server that tells its stages."""
    switch = (
        "update performance_schema.setup_consumers set enabled = '{}' where name = 'events_stages_current'"
    )
    mysql9.sql(switch.format("YES"))
    yield mysql9  # type: ignore[misc]
    mysql9.sql(switch.format("NO"))


async def progress(monitor: MysqlMonitor) -> tuple[Progress, ...]:
    """The first that is told within ten seconds."""
    async with asyncio.timeout(10):
        while True:
            await monitor.sources[0].fetch(Snapshot(at=0.0))
            health: Health = (await monitor.sources[3].fetch(Snapshot(at=0.0)))["health"]
            if health.progress:
                return health.progress
            await asyncio.sleep(0.02)


async def test_an_alter_says_how_far_it_is(staged: MysqlServer) -> None:
    database = filled(staged)
    async with working(staged) as (connector, _):
        with client(staged, database) as other:
            with running(other, "alter table big modify v varchar(200) not null, algorithm = copy"):
                (found,) = await progress(MysqlMonitor(connector))
            assert found.session == str(other.thread_id()) and found.operation == "ALTER TABLE"
            assert found.total and found.total >= found.done


async def test_an_alter_of_mariadb_says_how_far_it_is(mariadb11: MariadbServer) -> None:
    database = filled(mariadb11)
    async with working(mariadb11) as (connector, _):
        with client(mariadb11, database) as other:
            with running(other, "alter table big modify v varchar(200) not null, algorithm = copy"):
                (found,) = await progress(MysqlMonitor(connector))
            assert found.session == str(other.thread_id()) and found.operation == "ALTER TABLE"
            assert (found.unit, found.total) == ("%", 100.0) and 0 < found.done <= 100


async def test_without_stages_the_statement_that_helps_is_told(mysql9: MysqlServer) -> None:
    async with working(mysql9) as (connector, _):
        monitor = MysqlMonitor(connector)
        health: Health = (await monitor.sources[3].fetch(Snapshot(at=0.0)))["health"]
        assert "UPDATE performance_schema.setup_consumers" in health.notes[0]


async def test_a_table_is_analysed_by_its_whole_name(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        actions = MysqlActions(connector)
        node = Node(Kind.TABLE, "odd`name", ("here", "shop", "odd`name"))
        assert actions.maintenance(node, "analyze") == "ANALYZE TABLE `shop`.`odd``name`"
        assert actions.maintenance(node, "vacuum") == ""
