"""Ending what blocks, on MySQL and MariaDB: rows that would be rolled back, and the proof that it helped."""

from __future__ import annotations

from tests.engines.mysql.sessions import client, running
from tests.servers.mysql import MysqlProtocolServer
from tests.tui.console import audited, console


async def test_the_dialog_counts_rows_and_the_proof_the_waiters(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(
        "create table stock (n int primary key, v int)", "insert into stock values (1, 1), (2, 2), (3, 3)", "commit",
        database=database,
    )  # fmt: skip
    with client(mysql, database) as root, client(mysql, database) as waiter:
        root.query("begin")
        root.query("update stock set v = v + 1")
        with running(waiter, "update stock set v = 0 where n = 2"):
            async with console(mysql.url()) as c:
                await c.until(lambda: c.row("sessions", "└"))
                await c.go_to_row(f"▶ {root.thread_id()}")
                await c.sees("blocks 1", "cancel frees 0, terminate 1")
                await c.press("X")
                await c.sees("frees 1 waiter", "3 changed rows are rolled back", "row locks")
                await c.press("enter")
                await c.type(str(root.thread_id()), "enter")
                await c.hears("the one waiter was freed")
    assert [action for (action,) in audited("action")] == ["terminate", "proof"]


async def test_the_rows_that_were_read_for_those_returned(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(
        "create table wide (n int)", "insert into wide values (1), (2), (3), (4)", "commit",
        "truncate performance_schema.events_statements_summary_by_digest", database=database,
    )  # fmt: skip
    async with console(mysql.url(), interval=0.5, size=(160, 40)) as c:
        await c.press("2", "d", "d")
        mysql.sql("select n from wide where n = 3", database=database)
        await c.sees("since the reset", "Examined")
        await c.until(lambda: c.row("statements", "FROM `wide` WHERE"))
        row = c.row("statements", "FROM `wide` WHERE")
        assert row is not None and row.cells[4:6] == ("1", "4")
        assert "Plans" not in c.shown()
