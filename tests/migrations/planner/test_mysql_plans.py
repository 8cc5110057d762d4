"""Plans for MySQL and MariaDB on real servers: each step is accepted as asserted, proves itself, and can be undone."""

from __future__ import annotations

import pymysql
import pytest

from dbtui.migrations.files import migration_file
from dbtui.migrations.survey import surveyed
from dbtui.model.change import ChangePlan, ChangeStep, Condition, Kind
from tests.migrations.runs import Console
from tests.servers.mysql import MysqlProtocolServer, MysqlServer

SHOP = (
    "CREATE TABLE users (id int PRIMARY KEY, name varchar(20))",
    "CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, customer int, note varchar(20), code int NOT NULL,"
    " KEY orders_note (note))",
    "CREATE TABLE line_items (id int PRIMARY KEY, item int, amount int, KEY item (item),"
    " CONSTRAINT of_order FOREIGN KEY (item) REFERENCES orders (id) ON DELETE CASCADE)",
    "CREATE VIEW notes AS SELECT id, note FROM orders",
    "INSERT INTO users VALUES (1, 'a'), (2, 'b')",
    "INSERT INTO orders (customer, note, code) VALUES (1, 'x', 1), (2, 'y', 2), (1, 'z', 3)",
)
CHANGES = (
    "ALTER TABLE orders ADD COLUMN extra int NOT NULL DEFAULT 5 AFTER customer, ADD INDEX orders_extra (extra)",
    "CREATE UNIQUE INDEX one_code ON orders (code)",
    "ALTER TABLE orders ADD INDEX (code)",
    "ALTER TABLE orders DROP INDEX orders_note, ADD INDEX orders_note (note, code)",
    "ALTER TABLE orders ADD CONSTRAINT of_user FOREIGN KEY (customer) REFERENCES users (id)",
    "ALTER TABLE orders MODIFY customer int NOT NULL",
    "ALTER TABLE orders MODIFY code bigint NOT NULL",
    "ALTER TABLE orders DROP COLUMN code",
    "ALTER TABLE orders RENAME COLUMN note TO remark",
    "ALTER TABLE users RENAME TO people",
    "DROP INDEX orders_note ON orders",
    "ALTER TABLE orders MODIFY note varchar(40)",
    "ALTER TABLE users MODIFY id bigint",
    "ALTER TABLE line_items MODIFY amount bigint",
    "ALTER TABLE users DROP PRIMARY KEY, ADD PRIMARY KEY (id)",
    "ALTER TABLE orders ADD COLUMN seller int, ADD CONSTRAINT sold_by FOREIGN KEY (seller) REFERENCES users (id)",
    "CREATE OR REPLACE VIEW notes AS SELECT id, note, code FROM orders",
    "ALTER TABLE orders MODIFY note varchar(20) DEFAULT 'none' COMMENT 'by people'",
)
_COLUMNS = """SELECT table_name, column_name, column_type, is_nullable, column_key, column_comment
  FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name NOT LIKE 'dbtui%%' ORDER BY 1, 2"""
_KEYS = """SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics
  WHERE table_schema = DATABASE() ORDER BY 1, 2, 3"""

Connection = pymysql.Connection


def holds(connection: Connection, condition: Condition) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(condition.query)
        row = cursor.fetchone()
    return bool(row and row[0])


def run(connection: Connection, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def take(connection: Connection, step: ChangeStep) -> None:
    """Do a step as the runner would, and hold it to its word."""
    if step.kind is Kind.APPLICATION:
        return
    for condition in step.preconditions:
        assert holds(connection, condition), condition.means
    if step.kind is Kind.CHECK:
        return
    done = [holds(connection, condition) for condition in step.postconditions]
    assert not done or not all(done), f"{step.title} was done before it ran"
    run(connection, *step.before, *step.statements, *step.after)
    for condition in step.postconditions:
        assert holds(connection, condition), condition.means


async def planned(server: MysqlProtocolServer, database: str, sql: str) -> ChangePlan:
    async with Console(server.url(database)) as console:
        return await surveyed(console.engine, [migration_file("change.sql", sql)], interval=0.0)


def shape(connection: Connection) -> tuple[object, object]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        columns = cursor.fetchall()
        cursor.execute(_KEYS)
        return columns, cursor.fetchall()


async def compare(server: MysqlProtocolServer, sql: str) -> None:
    """The plan ends where the words end, and its way back where it began."""
    words, steps = server.create_database(), server.create_database()
    with server.connect(words) as direct, server.connect(steps) as stepped:
        run(direct, *SHOP)
        run(stepped, *SHOP)
        begun = shape(stepped)
        run(direct, sql)
        plan = await planned(server, steps, sql)
        for step in plan.steps:
            take(stepped, step)
        assert shape(stepped) == shape(direct)
        taken = [step for step in plan.steps if step.kind not in (Kind.APPLICATION, Kind.CHECK)]
        if all(step.down for step in taken):
            for step in reversed(taken):
                run(stepped, *step.down)
            assert shape(stepped) == begun


@pytest.mark.parametrize("sql", CHANGES)
async def test_a_plan_ends_where_the_words_end(mysql: MysqlProtocolServer, sql: str) -> None:
    await compare(mysql, sql)


async def test_whether_an_index_is_seen_has_a_way_back(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(*SHOP, database=database)
    mariadb = bool(mysql.sql("SELECT VERSION() LIKE '%MariaDB%'")[0][0])
    there, back = ("IGNORED", "NOT IGNORED") if mariadb else ("INVISIBLE", "VISIBLE")
    plan = await planned(mysql, database, f"ALTER TABLE orders ALTER INDEX orders_note {there}")
    (step,) = [one for one in plan.steps if one.postconditions]
    with mysql.connect(database) as connection:
        take(connection, step)
        assert step.down == (f"ALTER TABLE orders ALTER INDEX orders_note {back}",)
        run(connection, *step.down)
        assert not holds(connection, step.postconditions[0])


async def test_a_copy_of_a_child_says_that_it_waits_for_the_parents_writers(mysql9: MysqlServer) -> None:
    database = mysql9.create_database()
    mysql9.sql(*SHOP, database=database)
    plan = await planned(mysql9, database, "ALTER TABLE line_items MODIFY amount bigint")
    (step,) = [one for one in plan.steps if one.statements]
    assert any("writers of orders wait for it too" in note for note in step.notes), step.notes


async def test_what_the_surveyor_sees(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(*SHOP, "ANALYZE TABLE orders", database=database)
    plan = await planned(mysql, database, "ALTER TABLE orders ADD COLUMN a int")
    assert plan.database == database
    assert plan.server.endswith(f"/{database}")
    assert plan.evidence["orders rows"] == 3
    assert plan.engine == ("mariadb" if "11." in plan.version else "mysql")


async def test_rows_that_would_break_a_check_are_told_of(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql("create table t (a int)", "insert into t values (-1)", database=database)
    plan = await planned(mysql, database, "ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)")
    assert plan.steps[0].notes == (
        "AS IT STANDS THIS FAILS: it is not so that every row of t keeps CHECK (a > 0)",
    )
