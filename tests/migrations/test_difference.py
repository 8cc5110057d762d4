"""What leads from one schema to another: in an order that runs, and nothing where both say the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dbtui.migrations.difference import difference
from dbtui.migrations.files import migration_file
from dbtui.migrations.planner import make
from dbtui.migrations.survey import live_schema
from dbtui.model.migration import Engine
from tests.migrations.runs import Console
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer

WAS = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, old int);
CREATE TABLE orders (
  id serial PRIMARY KEY, customer bigint REFERENCES users (id), amount int DEFAULT 1, note varchar(20)
);
CREATE INDEX orders_note ON orders (note);
CREATE TABLE logs (id int PRIMARY KEY, "order" int REFERENCES orders (id));
"""
WANTED = """
CREATE TYPE mood AS ENUM ('sad', 'fine', 'ok');
CREATE TABLE shops (id int PRIMARY KEY, owner bigint REFERENCES users (id));
CREATE TABLE users (id bigint PRIMARY KEY, name text, email text DEFAULT 'none' NOT NULL);
CREATE TABLE orders (
  id serial PRIMARY KEY, customer bigint REFERENCES users (id), amount bigint DEFAULT 2, note varchar(20),
  CONSTRAINT positive CHECK (amount > 0)
);
CREATE UNIQUE INDEX orders_note ON orders (note, amount);
"""


def between(was: str, wanted: str, engine: Engine = Engine.POSTGRESQL) -> tuple[str, ...]:
    return difference(
        [migration_file("was.sql", was)], [migration_file("wanted.sql", wanted)], engine
    ).statements


def test_the_order_in_which_it_can_run() -> None:
    assert between(WAS, WANTED) == (
        "ALTER TYPE mood ADD VALUE 'fine' AFTER 'sad'",
        "CREATE TABLE shops (id int PRIMARY KEY, owner bigint REFERENCES users (id))",
        "DROP INDEX orders_note",
        "ALTER TABLE users ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE users ADD COLUMN email text DEFAULT 'none' NOT NULL",
        "ALTER TABLE orders ALTER COLUMN amount TYPE bigint",
        "ALTER TABLE orders ALTER COLUMN amount SET DEFAULT 2",
        "ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount > 0)",
        "CREATE UNIQUE INDEX orders_note ON orders (note, amount)",
        "ALTER TABLE users DROP COLUMN old",
        "DROP TABLE logs",
    )


@pytest.mark.parametrize("schema", [WAS, WANTED])
def test_a_schema_does_not_differ_from_itself(schema: str) -> None:
    assert between(schema, schema) == ()


def test_tables_that_refer_to_others_go_first() -> None:
    assert between("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a (id))", "") == (
        "DROP TABLE b",
        "DROP TABLE a",
    )


def test_what_is_not_compared_is_named() -> None:
    files = [migration_file("x.sql", "CREATE TABLE t (a int); CREATE TABEL u (a int);")]
    found = difference(files, files, Engine.POSTGRESQL)
    assert found.statements == ()
    assert found.not_compared == ("not understood, so not compared: CREATE TABEL u (a int)",)


async def test_a_live_schema_and_a_file(postgres18: PostgresServer) -> None:
    """The server prints names, types, defaults and checks in its own words: none of that is a difference."""
    database, other = postgres18.create_database(), postgres18.create_database()
    postgres18.psql(WANTED.replace("CREATE TABLE shops", "-- "), database)
    postgres18.psql(WAS, other)
    wanted = migration_file("wanted.sql", WANTED.replace("CREATE TABLE shops", "-- "))
    async with Console(postgres18.url(database)) as console:
        same = difference([await live_schema(console.engine)], [wanted], Engine.POSTGRESQL)
    async with Console(postgres18.url(other)) as console:
        live = await live_schema(console.engine)
        found = difference([live], [migration_file("wanted.sql", WANTED)], Engine.POSTGRESQL)
    assert same.statements == ()
    postgres18.psql(found.file.text, other)
    plan = make([found.file], Engine.POSTGRESQL, (18,), [live])
    assert plan.safe and len(plan.steps) > len(found.statements)
    async with Console(postgres18.url(other)) as console:
        after = difference(
            [await live_schema(console.engine)], [migration_file("w.sql", WANTED)], Engine.POSTGRESQL
        )
    assert after.statements == ()


MYSQL_WAS = """
CREATE TABLE users (id int PRIMARY KEY, name varchar(20) NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, customer int, note varchar(20) DEFAULT 'x', KEY by_note (note));
"""
MYSQL_WANTED = """
CREATE TABLE users (id int PRIMARY KEY, name varchar(40) NOT NULL, born date);
CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, customer int, note varchar(20) DEFAULT 'y',
  UNIQUE KEY one (customer), CONSTRAINT of_user FOREIGN KEY (customer) REFERENCES users (id));
"""


async def test_mysql_and_mariadb(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(*(s for s in MYSQL_WAS.split(";\n") if s.strip()), database=database)
    wanted = [migration_file("wanted.sql", MYSQL_WANTED)]
    async with Console(mysql.url(database)) as console:
        live = await live_schema(console.engine)
        found = difference([live], wanted, Engine.MYSQL)
        for statement in found.statements:
            mysql.sql(statement, database=database)
        again = difference([await live_schema(console.engine)], wanted, Engine.MYSQL)
    assert len(found.statements) == 6
    assert again.statements == ()


CODE = """
CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20) NOT NULL, n int);
CREATE VIEW names AS SELECT id, upper(name) AS loud FROM users WHERE n > 3 AND name IS NOT NULL;
CREATE FUNCTION bump() RETURNS trigger AS $$ BEGIN new.n := new.n + 1; RETURN new; END $$ LANGUAGE plpgsql;
CREATE FUNCTION twice(x int, y bool DEFAULT true) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x * 2';
CREATE TRIGGER bumped BEFORE UPDATE ON users FOR EACH ROW WHEN (old.n IS DISTINCT FROM new.n)
  EXECUTE PROCEDURE bump();
CREATE MATERIALIZED VIEW many AS SELECT count(*) FROM users;
"""
CHANGED = (
    CODE.replace("n > 3", "n > 4").replace("new.n + 1", "new.n + 2").replace("x * 2", "x * 3")
    .replace("BEFORE UPDATE", "BEFORE INSERT OR UPDATE").replace("WHEN (old.n IS DISTINCT FROM new.n)", "")
    .replace("count(*)", "count(n)")
)  # fmt: skip


async def test_views_functions_and_triggers_that_changed_are_seen(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql(CODE, database)
    async with Console(postgres.url(database)) as console:

        async def to(text: str) -> tuple[str, ...]:
            live = [await live_schema(console.engine)]
            return difference(live, [migration_file("w.sql", text)], Engine.POSTGRESQL).statements

        assert await to(CODE) == ()
        found = await to(CHANGED)
        assert [" ".join(sql.split()[:5]) for sql in found] == [
            "CREATE OR REPLACE FUNCTION bump()",
            "CREATE OR REPLACE VIEW names",
            "CREATE OR REPLACE FUNCTION twice(x",
            "DROP TRIGGER bumped ON public.users",
            "CREATE TRIGGER bumped BEFORE INSERT",
            "DROP MATERIALIZED VIEW public.many",
            "CREATE MATERIALIZED VIEW many AS",
        ]
        for sql in found:
            postgres.psql(sql, database)
        assert await to(CHANGED) == ()
        assert [sql.split()[:2] for sql in await to("CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20)"
                                                    " NOT NULL, n int);")] == [
            ["DROP", "TRIGGER"], ["DROP", "FUNCTION"], ["DROP", "FUNCTION"], ["DROP", "MATERIALIZED"], ["DROP", "VIEW"],
        ]  # fmt: skip


MYSQL_CODE = (
    "CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20) NOT NULL, n int)",
    "CREATE VIEW names AS SELECT id, upper(name) AS loud FROM users WHERE n > 3",
    "CREATE FUNCTION twice(x int) RETURNS int DETERMINISTIC RETURN x * 2",
    "CREATE TRIGGER bumped BEFORE UPDATE ON users FOR EACH ROW BEGIN SET new.n = new.n + 1; SET new.id = 1; END",
)


async def test_code_of_mysql_that_changed_is_seen(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(*MYSQL_CODE, database=database)
    changed = [
        one.replace("n > 3", "n > 4").replace("x * 2", "x * 3").replace("n + 1", "n + 2")
        for one in MYSQL_CODE
    ]
    engine = Engine(mysql.engine)
    async with Console(mysql.url(database)) as console:

        async def to(statements: Sequence[str]) -> tuple[str, ...]:
            wanted = migration_file("w.sql", ";\n".join(statements) + ";\n")
            return difference([await live_schema(console.engine)], [wanted], engine).statements

        assert await to(MYSQL_CODE) == ()
        found = await to(changed)
        assert len(found) == (3 if mysql.engine == "mariadb" else 5)
        mysql.sql(*found, database=database)
        assert await to(changed) == ()


def test_code_of_sqlite_that_changed_is_made_anew() -> None:
    was = """CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t;
             CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET a = 1; END;"""
    assert between(was, was.replace("SELECT a", "select  a"), Engine.SQLITE) == ()
    nulls = was.replace("SELECT a FROM t", "SELECT a FROM t WHERE a IS NULL")
    assert len(between(nulls, nulls.replace("IS NULL", "IS NOT NULL"), Engine.SQLITE)) == 2
    assert between(was, was.replace("a = 1", "a = 2").replace("SELECT a", "SELECT a + 1"), Engine.SQLITE) == (
        "DROP VIEW v",
        "CREATE VIEW v AS SELECT a + 1 FROM t",
        "DROP TRIGGER r",
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET a = 2; END",
    )
