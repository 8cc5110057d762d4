"""Verdicts for MySQL and MariaDB: what lint says, and whether the servers accept just that and nothing less."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pymysql
import pytest

from dbtui.migrations.assess import DEFAULT_VERSIONS, assess
from dbtui.migrations.files import migration_file
from dbtui.migrations.locks import cell_names
from dbtui.migrations.parse_script import split_script
from dbtui.model.migration import Assessed, Engine
from tests.migrations.cases import Case, cases, schema
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlServer

MYSQL, MARIADB = cases("mysql"), cases("mariadb")
_BOTH = [(Engine.MYSQL, case) for case in MYSQL] + [(Engine.MARIADB, case) for case in MARIADB]
_EVERYWHERE = {"my-mdl-wait", "my-assert-algorithm-missing"}


@cache
def judged(sql: str, engine: Engine) -> Assessed:
    before = migration_file("schema.sql", schema("mysql"))
    return assess([migration_file("case.sql", f"{sql};\n")], engine, DEFAULT_VERSIONS[engine], [before])[-1]


@pytest.mark.parametrize(("engine", "case"), _BOTH, ids=str)
def test_what_lint_says(engine: Engine, case: Case) -> None:
    one = judged(case.sql, engine)
    rules = sorted({f.rule for f in one.findings} - _EVERYWHERE)
    assert (one.safe, rules, one.statement.error) == (case.safe, sorted(case.rules), "")
    assert {lock.relation: lock.mode for lock in one.effects.locks} == case.locks
    assert (one.effects.algorithm, set(one.effects.rewrites), set(one.effects.scans)) == (
        case.algorithm,
        set(case.rewrites),
        set(case.scans),
    )


class Shop:
    """A database whose tables can be made anew for each try."""

    def __init__(self, connection: pymysql.Connection[pymysql.cursors.Cursor], engine: Engine) -> None:
        self.connection = connection
        self.engine = engine
        self.statements = [chunk.sql for chunk in split_script(schema("mysql"), engine)]
        self.ids = "innodb_tables" if engine is Engine.MYSQL else "innodb_sys_tables"

        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop CHARACTER SET utf8mb4")
            cursor.execute("USE shop")
            cursor.execute(self.statements[0])

    def reset(self, table: str) -> None:
        """The table as it is at first, whatever the case before made of it."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {table}, t2")
            for statement in self.statements:
                if statement.startswith(f"CREATE TABLE {table} "):
                    cursor.execute(statement)

    def table_ids(self) -> dict[str, int]:
        """InnoDB's numbers of the tables: a table that is built anew gets another."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT name, table_id FROM information_schema.{self.ids} WHERE name LIKE 'shop/%'"
            )
            return dict(cursor.fetchall())

    def rebuilt_since(self, before: dict[str, int]) -> bool:
        """Whether a table, or the partition of one, has another number than before under the same name."""
        return any(before.get(name, number) != number for name, number in self.table_ids().items())

    def tried(self, sql: str) -> str:
        """The error's number, or "" when it was done."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
        except pymysql.err.MySQLError as error:
            return str(error.args[0])
        return ""


@pytest.fixture(scope="module")
def mysql() -> Iterator[Shop]:
    with MysqlServer() as server, _connected(server.socket) as connection:
        yield Shop(connection, Engine.MYSQL)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Shop]:
    with MariadbServer() as server, _connected(server.socket) as connection:
        yield Shop(connection, Engine.MARIADB)


def _connected(socket: object) -> pymysql.Connection[pymysql.cursors.Cursor]:
    return pymysql.connect(unix_socket=str(socket), user="root", autocommit=True)


_ALGORITHMS = {
    Engine.MYSQL: ["INSTANT", "INPLACE", "COPY"],
    Engine.MARIADB: ["INSTANT", "NOCOPY", "INPLACE", "COPY"],
}
_LOCKS = ["NONE", "SHARED", "EXCLUSIVE"]


def _with(sql: str, engine: Engine, algorithm: str, lock: str) -> str:
    """The statement with both clauses where the server takes them."""
    if sql.startswith(("CREATE", "DROP INDEX")):
        return f"{sql} ALGORITHM={algorithm} LOCK={lock}"
    clause = f"ALGORITHM={algorithm}, LOCK={lock}"
    if engine is Engine.MYSQL and algorithm == "INSTANT":
        clause = "ALGORITHM=INSTANT"
    start, _, rest = sql.partition(" TABLE ")
    table, _, change = rest.partition(" ")
    comma = "" if change.startswith(("PARTITION BY", "REMOVE PARTITIONING")) else ","
    return f"{start} TABLE {table} {clause}{comma} {change}"


def _accepted(shop: Shop, case: Case) -> tuple[str, str, bool]:
    """The least algorithm and the weakest lock that the server accepts, and whether it built a table anew."""
    for algorithm in _ALGORITHMS[shop.engine]:
        for lock in _LOCKS:
            before = shop.table_ids()
            error = shop.tried(_with(case.sql, shop.engine, algorithm, lock))
            if not error:
                return algorithm, lock, shop.rebuilt_since(before)
            assert error in ("1845", "1846", "1221"), (algorithm, lock, error)
    raise AssertionError("nothing was accepted")


def _compare(shop: Shop, case: Case) -> None:
    shop.reset(*case.locks)
    if case.observe == "asserted":
        before = shop.table_ids()
        error = shop.tried(case.sql)
        assert (bool(error), shop.rebuilt_since(before)) == (
            case.refused,
            bool(case.rewrites) and not case.refused,
        )
        return
    algorithm, lock, rebuilt = _accepted(shop, case)
    if shop.engine is Engine.MYSQL and algorithm == "INSTANT" and "EXCLUSIVE" in case.locks.values():
        lock = "EXCLUSIVE"  # MySQL takes no LOCK= beside INSTANT; its manual says that a rename locks
    assert {algorithm, lock} == {case.algorithm, *case.locks.values()}
    assert rebuilt == bool(case.rewrites) or " PARTITION" in case.sql  # whose parts get other names


@pytest.mark.parametrize("case", [c for c in MYSQL if c.algorithm and not c.real], ids=str)
def test_what_mysql_accepts(case: Case, mysql: Shop) -> None:
    _compare(mysql, case)


@pytest.mark.parametrize("case", [c for c in MARIADB if c.algorithm and not c.real], ids=str)
def test_what_mariadb_accepts(case: Case, mariadb: Shop) -> None:
    _compare(mariadb, case)


@pytest.mark.parametrize("engine", [Engine.MYSQL, Engine.MARIADB])
def test_every_cell_of_the_matrix_has_a_case(engine: Engine) -> None:
    """A plain write has no cell of its own, and a foreign key without its check is added by the plans' tests."""
    found = MYSQL if engine is Engine.MYSQL else MARIADB
    used = {cell for case in found for cell in judged(case.sql, engine).effects.cells}
    assert set(cell_names(engine.value)) - used == {"write", "add foreign key unchecked"}
