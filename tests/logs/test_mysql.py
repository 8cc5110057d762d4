"""Slow logs of MySQL and MariaDB, as files and as the table, from real servers."""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest.mock import Mock

from dbtui.commands import logs as command
from dbtui.live.masking import masker, shaper
from dbtui.logs import mysql_slow
from dbtui.logs.ranking import Ranking
from tests.logs.reading import entries
from tests.servers.mysql import MysqlProtocolServer

HARD = 'select b\n from t\n # Query: none\n where b <> "mar;malade" and a > {}'


def _run(server: MysqlProtocolServer, output: str) -> str:
    """Have the server log a few statements; the text of its slow log."""
    database = f"slow_{output.lower()}"
    with server.connect() as c, c.cursor() as cursor:
        cursor.execute("select @@slow_query_log_file, @@datadir")
        row = cursor.fetchone()
        assert row is not None
        log = Path(row[1]) / row[0]
        cursor.execute(f"create database {database}")
        cursor.execute(f"set global log_output = '{output}'")
        cursor.execute("set global slow_query_log = on")
    with server.connect() as c, c.cursor() as cursor:  # on MariaDB a session that was there goes on as it was
        cursor.execute("set session long_query_time = 0")
        cursor.execute(f"use {database}")
        cursor.execute("create table t (a int, b varchar(30))")
        for a in (5, 17):
            cursor.execute(HARD.format(a))
            cursor.fetchall()
        cursor.execute("set global slow_query_log = off")
        cursor.execute("set global log_output = 'FILE'")
        cursor.execute(f"drop database {database}")
    return log.read_text() if output == "FILE" else ""


def test_the_file(mysql: MysqlProtocolServer) -> None:
    found = [entry for entry in entries(_run(mysql, "FILE")) if entry.database == "slow_file"]
    hard = [entry for entry in found if "malade" in entry.text]
    assert [entry.text for entry in hard] == [HARD.format(5), HARD.format(17)]
    assert all((entry.ms or 0) > 0 and entry.at and entry.user == "root" for entry in hard)
    assert hard[0].rows == 0 and hard[0].client == "localhost"
    ranking = Ranking("slow", shaper("mysql"), masker("mysql"))
    for entry in found:
        ranking.add(entry)
    shape = next(s for s in ranking.statements().statements if "where b" in (s.query or ""))
    assert shape.calls == 2 and shape.query is not None and "malade" not in shape.query
    assert "malade" in ranking.example(shape.id)


def test_the_table(mysql: MysqlProtocolServer, capsys: object) -> None:
    _run(mysql, "TABLE")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    url = mysql.url()
    assert command.run(parser.parse_args([url, "--limit", "100"]), Mock()) == 0
    said = capsys.readouterr().out  # type: ignore[attr-defined]
    assert "root@slow_table: select b from t" in said and "malade" not in said


OLD = """\
/usr/sbin/mariadbd, Version: 10.6.12-MariaDB-log (mariadb.org binary distribution). started with:
Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock
Time\t\t    Id Command\tArgument
# Time: 240501  9:00:00
# User@Host: app[app] @  [10.0.0.7]
# Thread_id: 5  Schema:   QC_hit: No
# Query_time: 1.500000  Lock_time: 0.250000  Rows_sent: 3  Rows_examined: 70
# Rows_affected: 0  Bytes_sent: 60
# explain: id   select_type table type
SET timestamp=1714564800.5;
select 1;
# User@Host: app[app] @  [10.0.0.7]
# Thread_id: 5  Schema: shop  QC_hit: No
# Query_time: 0.5  Lock_time: 0  Rows_sent: 0  Rows_examined: 0
# administrator command: Prepare;
"""


def test_older_forms() -> None:
    one, other = entries(OLD)
    assert (one.text, one.ms, one.at, one.database) == ("select 1", 1500.0, 1714564800.5, "")
    assert (one.rows, one.rows_read, one.client) == (3, 70, "10.0.0.7")
    assert (other.text, other.database) == ("administrator command: Prepare", "shop")
    assert mysql_slow.recognises(OLD)
