"""How much room is left is known of a server on this machine, and said to be unknown of any other."""

from __future__ import annotations

from dbtui.migrations.files import MigrationFile
from dbtui.migrations.survey import look
from dbtui.model.survey import Survey
from tests.migrations.runs import Console
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer

_CHANGE = [MigrationFile("c.sql", "ALTER TABLE t ADD COLUMN a int")]


async def surveyed(url: str) -> Survey:
    async with Console(url) as console:
        return await look(console.engine, _CHANGE, interval=0.0)


def told(survey: Survey) -> tuple[bool, bool]:
    """Whether free bytes are known, and whether it is said that they are not."""
    return (survey.free_bytes or 0) > 1e6, any("free disk" in one for one in survey.unknown)


async def test_of_postgresql(postgres: PostgresServer) -> None:
    assert told(await surveyed(postgres.url())) == (True, False)
    assert told(await surveyed(postgres.url(tcp=True))) == (False, True)


async def test_of_mysql_and_mariadb(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    assert told(await surveyed(mysql.url(database))) == (True, False)
    assert told(await surveyed(mysql.url(database, tcp=True))) == (False, True)
