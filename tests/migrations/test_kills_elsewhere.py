"""SIGKILL as in `test_kills`, on MySQL, MariaDB and SQLite: nothing is lost, doubled or left half built."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.migrations.kills import boundaries, kill_on_the_way_back, kill_the_program, kill_the_server
from tests.migrations.runs import INDEX
from tests.migrations.runs_elsewhere import STEPS, rebuilt, table, whole_of
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer
from tests.servers.process import send

COLUMNS = ["id", "amount", "touched"]


def check(server: MysqlProtocolServer, database: str, rows: int) -> None:
    """Every row filled exactly once, the column proved, the index there, no other table left."""

    def ask(sql: str) -> list[tuple[object, ...]]:
        return server.sql(sql, database=database)

    assert ask("select count(*), sum(total), min(touched), max(touched) from orders") == [
        (rows, rows * (rows + 1), 1, 1)
    ]
    assert ask(f"select count(*) from orders force index ({INDEX}) where total > 0") == [(rows,)]
    assert ask("check table orders")[-1][-1] == "OK"
    assert {name for (name,) in ask("show tables")} == {"orders", "dbtui_journal", "dbtui_backfill"}
    assert ask("select last_key = upper_bound, `rows` from dbtui_backfill") == [(1, rows)]


def killed_everywhere(server: MysqlProtocolServer, rows: int, batch: int, batches: int) -> None:
    database = server.create_database()
    server.sql(*table(server.engine, rows), database=database)
    kill_the_program(server.url(database), batch, batches, steps=STEPS)
    check(server, database, rows)
    done = server.sql(
        "select count(distinct step) from dbtui_journal where state = 'done'", database=database
    )
    assert done[0][0] >= STEPS  # with the journal's own; what was found done on the server needs no row


def test_the_program_is_killed_at_every_boundary(mysql: MysqlProtocolServer) -> None:
    killed_everywhere(mysql, 8_000, 500, 4)


@pytest.mark.slow
def test_the_program_is_killed_in_a_backfill_of_a_million_rows(mysql: MysqlProtocolServer) -> None:
    killed_everywhere(mysql, 1_000_000, 5000, 20)


def test_the_program_is_killed_on_the_way_back(mysql: MysqlProtocolServer) -> None:
    """What was taken back is not taken back twice, which the server would refuse."""
    database = mysql.create_database()
    mysql.sql(*table(mysql.engine, 100), database=database)
    kill_on_the_way_back(mysql.url(database), whole_of(mysql.engine, 500))
    assert [row[0] for row in mysql.sql("show columns from orders", database=database)] == COLUMNS


def test_the_program_is_killed_on_the_way_back_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as raw:
        for statement in table("sqlite", 100):
            raw.execute(statement)
    kill_on_the_way_back(f"sqlite:///{file}", whole_of("sqlite", 500))
    with sqlite3.connect(file) as raw:
        assert [row[1] for row in raw.execute("pragma table_info(orders)")] == COLUMNS


def crash(server: MysqlProtocolServer) -> None:
    """SIGKILL of the server, and a new start on what it left."""
    send([server.process.pid], signal.SIGKILL)
    server.restart()


async def server_killed_everywhere(
    make: type[MysqlProtocolServer], rows: int, batch: int, at: Collection[str]
) -> None:
    """The tests' servers may lose the last second of what was committed: the runner goes back to where they stand."""
    with make() as server:
        database = server.create_database()
        server.sql(*table(server.engine, rows), "flush logs", database=database)
        plan = whole_of(server.engine, batch)
        await kill_the_server(server.url(database), plan, lambda: crash(server), at)
        check(server, database, rows)


async def test_the_server_is_killed_in_the_middle() -> None:
    await server_killed_everywhere(
        MariadbServer, 8_000, 500, ("1:running", "fill:4", "3:running", "4:running")
    )


@pytest.mark.slow
@pytest.mark.parametrize("rows", [8_000, 1_000_000])
@pytest.mark.parametrize("make", [MysqlServer, MariadbServer])
async def test_the_server_is_killed_at_every_boundary(make: type[MysqlProtocolServer], rows: int) -> None:
    await server_killed_everywhere(
        make, rows, rows // 200 + 460, boundaries(STEPS) | {"fill:1", "fill:4", "fill:12"}
    )


def file_killed_everywhere(file: Path, rows: int, batch: int, batches: int) -> None:
    with sqlite3.connect(file) as raw:
        for statement in table("sqlite", rows):
            raw.execute(statement)
    kill_the_program(f"sqlite:///{file}", batch, batches, steps=STEPS)
    with sqlite3.connect(file) as raw:
        summary = raw.execute(
            "select count(*), sum(total), min(touched), max(touched) from orders"
        ).fetchone()
        assert summary == (rows, rows * (rows + 1), 1, 1)
        assert raw.execute("pragma integrity_check").fetchall() == [("ok",)]
        tables = raw.execute("select name from sqlite_schema where type = 'table' order by 1").fetchall()
        assert [name for (name,) in tables] == ["dbtui_backfill", "dbtui_journal", "orders"]
        assert raw.execute("select last_key = upper_bound, rows from dbtui_backfill").fetchall() == [
            (1, rows)
        ]


def test_the_program_is_killed_at_every_boundary_of_a_file(tmp_path: Path) -> None:
    file_killed_everywhere(tmp_path / "shop.db", 8_000, 500, 4)


@pytest.mark.slow
def test_the_program_is_killed_in_a_backfill_of_a_file_of_a_million_rows(tmp_path: Path) -> None:
    file_killed_everywhere(tmp_path / "shop.db", 1_000_000, 5000, 20)


def test_the_program_is_killed_between_rebuilds_of_one_table(tmp_path: Path) -> None:
    """Each rebuild takes over what the step before it made, there and back."""

    def there(path: Path) -> tuple[list[str], tuple[int, ...]]:
        with sqlite3.connect(path) as raw:
            rows = raw.execute("select count(*), sum(amount) from orders").fetchone()
            return [f"{c[1]} {c[3]} {c[4]}" for c in raw.execute("pragma table_info(orders)")], rows

    file, steps = tmp_path / "shop.db", len(rebuilt().steps)
    with sqlite3.connect(file) as raw:
        for statement in table("sqlite", 100):
            raw.execute(statement)
    before = there(file)
    kill_the_program(f"sqlite:///{file}", 0, 0, steps=steps)
    assert there(file) == (["id 0 None", "amount 1 None", "seen 1 9", "total 1 7"], before[1])
    kill_on_the_way_back(f"sqlite:///{file}", rebuilt(), 0)
    assert there(file) == before
