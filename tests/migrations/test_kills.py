"""SIGKILL of the program and of the server at every boundary of every step, and inside backfills: nothing is lost."""

from __future__ import annotations

import signal

import pytest

from tests.migrations.kills import boundaries, kill_on_the_way_back, kill_the_program, kill_the_server
from tests.migrations.runs import INDEX, table, whole
from tests.servers.postgres import PostgresServer
from tests.servers.process import descendants, send


def check(server: PostgresServer, database: str, rows: int) -> None:
    """Every row filled exactly once, the column proved, the index whole, nothing left behind."""
    total = rows * (rows + 1)
    summary = "select count(*), sum(total), min(touched), max(touched) from orders"
    assert server.psql(summary, database) == f"{rows}|{total}|1|1"
    assert server.psql("select count(*) from pg_index where not indisvalid", database) == "0"
    assert server.psql("select count(*) from pg_constraint where conname = 'total_there'", database) == "0"
    proved = "select attnotnull from pg_attribute where attrelid = 'orders'::regclass and attname = 'total'"
    assert server.psql(proved, database) == "t"
    assert server.psql("select last_key = upper_bound, rows from dbtui_backfill", database) == f"t|{rows}"
    done = "select count(distinct step) from dbtui_journal where state = 'done'"
    assert int(server.psql(done, database)) >= 6  # what was found done on the server needs no row


def killed_everywhere(server: PostgresServer, rows: int, batch: int, batches: int) -> None:
    database = server.create_database()
    server.psql(table(rows), database)
    kill_the_program(server.url(database), batch, batches, steps=7)
    check(server, database, rows)


def test_the_program_is_killed_at_every_boundary(postgres18: PostgresServer) -> None:
    killed_everywhere(postgres18, 20_000, 1000, 4)


@pytest.mark.slow
def test_the_program_is_killed_in_a_backfill_of_a_million_rows(postgres: PostgresServer) -> None:
    killed_everywhere(postgres, 1_000_000, 5000, 20)


def test_the_program_is_killed_on_the_way_back(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(100), database)
    kill_on_the_way_back(postgres18.url(database), whole())
    columns = "select string_agg(attname, ' ' order by attnum) from pg_attribute"
    there = f"{columns} where attrelid = 'orders'::regclass and attnum > 0 and not attisdropped"
    assert postgres18.psql(there, database) == "id amount touched"
    assert postgres18.psql(f"select to_regclass('{INDEX}') is null", database) == "t"


def crash(server: PostgresServer) -> None:
    """SIGKILL of the postmaster and all of its children, and a new start on what they left."""
    send([server.pid, *descendants(server.pid)], signal.SIGKILL)
    server.kill()
    (server.socket / "data" / "postmaster.pid").unlink()  # it says "ready" still
    server.start_again()


async def server_killed_everywhere(version: int, rows: int, batch: int, batches: tuple[int, ...]) -> None:
    with PostgresServer(version) as server:
        database = server.create_database()
        server.psql(
            table(rows) + "; checkpoint", database
        )  # the tests' servers commit without waiting for the disk
        at = boundaries(7) | {f"fill:{count}" for count in batches}
        await kill_the_server(server.url(database), whole(batch), lambda: crash(server), at)
        check(server, database, rows)


async def test_the_server_is_killed_at_every_boundary() -> None:
    await server_killed_everywhere(18, 20_000, 1000, (1, 2, 4))


@pytest.mark.slow
@pytest.mark.parametrize("version", [15, 18])
async def test_the_server_is_killed_in_a_backfill_of_a_million_rows(version: int) -> None:
    await server_killed_everywhere(version, 1_000_000, 5000, (1, 20, 60))
