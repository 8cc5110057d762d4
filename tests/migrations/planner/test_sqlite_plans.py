"""Plans for SQLite, run on files: a plan reaches what was asked for, keeps rows and references, and can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtui.migrations.files import migration_file
from dbtui.migrations.planner.sqlite_text import altered, table_text
from dbtui.migrations.rollback import way_back
from dbtui.migrations.survey import surveyed
from dbtui.model.run import State
from tests.migrations.runs import Console
from tests.servers.sqlite import SqliteFile

SHOP = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT DEFAULT 3, note TEXT, code INT CHECK (code > 0),"
    " FOREIGN KEY (customer) REFERENCES users (id))",
    "CREATE INDEX orders_note ON orders (note)",
    "CREATE TABLE log (n INT)",
    "CREATE TRIGGER noted AFTER DELETE ON orders BEGIN INSERT INTO log VALUES (old.id); END",
    "CREATE VIEW notes AS SELECT id, note FROM orders",
    "INSERT INTO users WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 50)"
    " SELECT n, 'u' || n FROM g",
    "INSERT INTO orders SELECT id, id, 'n' || id, id FROM users",
)

CHANGES = {
    "ALTER TABLE orders ALTER COLUMN customer SET NOT NULL": "customer INT DEFAULT 3 NOT NULL",
    "ALTER TABLE orders ALTER COLUMN note TYPE VARCHAR(20)": "note VARCHAR(20)",
    "ALTER TABLE orders ALTER COLUMN customer SET DEFAULT 7": "customer INT DEFAULT 7",
    "ALTER TABLE orders ADD CONSTRAINT one UNIQUE (code)": "CONSTRAINT one UNIQUE (code)",
    "ALTER TABLE orders ADD COLUMN at TEXT DEFAULT CURRENT_TIMESTAMP": "at TEXT DEFAULT CURRENT_TIMESTAMP",
    "ALTER TABLE orders ADD COLUMN plain INT": "plain INT",
    "CREATE INDEX orders_code ON orders (code)": "CREATE INDEX orders_code",
}
_SCHEMA = (
    "SELECT group_concat(sql, char(10)) FROM"
    " (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name NOT LIKE 'dbtui%' ORDER BY name)"
)


@pytest.mark.parametrize("sql", CHANGES)
async def test_a_plan_makes_the_change_and_keeps_the_rest(tmp_path: Path, sql: str) -> None:
    file = SqliteFile(tmp_path / "shop.db")
    file.sql(*SHOP)
    async with Console(file.url) as console:
        plan = await surveyed(console.engine, [migration_file("change.sql", sql)])
        async with console.runner(plan) as runner:
            run = await runner.run()
    assert [(one.step.title, one.detail) for one in run.steps if one.state is not State.DONE] == []
    ((schema,),) = file.sql(_SCHEMA)
    assert CHANGES[sql] in str(schema)
    assert file.sql("PRAGMA foreign_key_check") == []
    assert file.sql("SELECT count(*), sum(customer), max(note) FROM orders") == [(50, 1275, "n9")]
    assert file.sql("SELECT count(*) FROM notes") == [(50,)]
    file.sql("DELETE FROM orders WHERE id = 7")
    assert file.sql("SELECT n FROM log") == [(7,)]


async def test_a_column_that_an_index_reads_goes_after_its_index(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "shop.db")
    file.sql(*SHOP[:3])
    async with Console(file.url) as console:
        plan = await surveyed(
            console.engine, [migration_file("c.sql", "ALTER TABLE orders DROP COLUMN note")]
        )
        assert [step.kind.name for step in plan.steps] == ["APPLICATION", "DDL", "DDL"]
        assert plan.steps[-1].destructive
        async with console.runner(plan) as runner:
            await runner.run()
    ((schema,),) = file.sql("SELECT sql FROM sqlite_schema WHERE name = 'orders'")
    assert "note" not in str(schema)


def test_the_way_back_of_a_rebuild_is_a_rebuild(tmp_path: Path) -> None:
    from dbtui.migrations.planner import make
    from dbtui.model.migration import Engine

    file = SqliteFile(tmp_path / "shop.db")
    file.sql(*SHOP)
    before = migration_file("schema.sql", ";\n".join(SHOP[:6]))
    words = migration_file("c.sql", "ALTER TABLE orders ALTER COLUMN note SET NOT NULL")
    (step,) = make([words], Engine.SQLITE, (3, 40), [before]).steps
    file.sql(*step.before, "BEGIN IMMEDIATE", *step.statements, "COMMIT", *step.after)
    file.sql(*step.down)
    ((schema,),) = file.sql("SELECT sql FROM sqlite_schema WHERE name = 'orders'")
    assert "note TEXT," in str(schema)
    assert file.sql("SELECT count(*) FROM orders") == [(50,)]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            "ALTER TABLE t DROP CONSTRAINT c",
            "CREATE TABLE x (\n  a int,\n  b text DEFAULT 'x, y' NOT NULL\n) STRICT",
        ),
        (
            "ALTER TABLE t ALTER COLUMN b DROP NOT NULL",
            "CREATE TABLE x (\n  a int,\n  b text DEFAULT 'x, y',\n  CONSTRAINT c CHECK (a > 0)\n) STRICT",
        ),
        (
            "ALTER TABLE t ALTER COLUMN b DROP DEFAULT",
            "CREATE TABLE x (\n  a int,\n  b text NOT NULL,\n  CONSTRAINT c CHECK (a > 0)\n) STRICT",
        ),
        (
            "ALTER TABLE t ADD z int UNIQUE",
            "CREATE TABLE x (\n  a int,\n  b text DEFAULT 'x, y' NOT NULL,\n  z int UNIQUE,\n"
            "  CONSTRAINT c CHECK (a > 0)\n) STRICT",
        ),
    ],
)
def test_one_change_in_the_text_of_a_table(change: str, wanted: str) -> None:
    text = table_text(
        "CREATE TABLE t (a int, b text DEFAULT 'x, y' NOT NULL, CONSTRAINT c CHECK (a > 0)) STRICT"
    )
    assert text is not None
    after = altered(text, change)
    assert after is not None and after.create("x") == wanted


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            "ALTER TABLE orders ALTER note SET NOT NULL; ALTER TABLE orders ADD CONSTRAINT one UNIQUE (code)",
            ["note TEXT NOT NULL", "CONSTRAINT one UNIQUE (code)"],
        ),
        (
            "ALTER TABLE orders ADD COLUMN extra INT DEFAULT 5; ALTER TABLE orders ALTER extra SET NOT NULL;"
            " CREATE INDEX orders_extra ON orders (extra); ALTER TABLE orders ALTER note SET NOT NULL",
            ["extra INT DEFAULT 5 NOT NULL", "note TEXT NOT NULL", "INDEX orders_extra ON orders (extra)"],
        ),
        (
            "ALTER TABLE orders RENAME COLUMN note TO remark; ALTER TABLE orders ALTER customer SET NOT NULL",
            [
                "remark TEXT",
                "customer INT DEFAULT 3 NOT NULL",
                "orders_note ON orders (remark)",
                "id, remark FROM",
            ],
        ),
        (
            "ALTER TABLE users RENAME TO clients; ALTER TABLE orders ALTER customer SET NOT NULL;"
            " ALTER TABLE clients ALTER name SET NOT NULL",
            ['REFERENCES "clients" (id)', "customer INT DEFAULT 3 NOT NULL", "name TEXT NOT NULL"],
        ),
        (
            "DROP TRIGGER noted; CREATE TABLE t (a INT, b INT); ALTER TABLE t ALTER a SET NOT NULL;"
            " ALTER TABLE orders ALTER note SET NOT NULL",
            ["a INT NOT NULL", "note TEXT NOT NULL"],
        ),
    ],
)
async def test_a_rebuild_starts_from_what_the_steps_before_it_leave(
    tmp_path: Path, sql: str, wanted: list[str]
) -> None:
    file = SqliteFile(tmp_path / "shop.db")
    file.sql(*SHOP)
    ((before,),) = file.sql(_SCHEMA)
    async with Console(file.url) as console:
        plan = await surveyed(console.engine, [migration_file("change.sql", sql)])
        assert not [note for step in plan.steps for note in step.notes if "refuses" in note]
        async with console.runner(plan) as runner:
            run = await runner.run()
            assert [(one.step.title, one.detail) for one in run.steps if one.state is not State.DONE] == []
            ((schema,),) = file.sql(_SCHEMA)
            assert [piece for piece in wanted if piece not in str(schema)] == []
            assert ("TRIGGER noted" in str(schema)) is ("DROP TRIGGER" not in sql)
            assert file.sql("SELECT count(*), sum(customer), sum(code) FROM orders") == [(50, 1275, 1275)]
            assert file.sql("PRAGMA foreign_key_check") == []
            assert await way_back(runner, 0)
    ((after,),) = file.sql(_SCHEMA)
    assert "".join(str(after).replace('"', "").split()) == "".join(str(before).split())


async def test_a_table_that_changed_since_it_was_planned_is_not_rebuilt(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "shop.db")
    file.sql(*SHOP)
    words = migration_file("change.sql", "ALTER TABLE orders ALTER note SET NOT NULL")
    async with Console(file.url) as console:
        plan = await surveyed(console.engine, [words])
        file.sql("ALTER TABLE orders ADD COLUMN meanwhile INT")
        async with console.runner(plan) as runner:
            run = await runner.run()
    assert "orders is as this plan knows it" in run.steps[-1].detail
    assert ("meanwhile",) in file.sql("SELECT name FROM pragma_table_info('orders')")


async def test_a_trigger_that_is_made_again_is_done_once(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "shop.db")
    file.sql(*SHOP)
    words = "DROP TRIGGER noted; CREATE TRIGGER noted AFTER INSERT ON orders BEGIN SELECT 1; END"
    async with Console(file.url) as console:
        plan = await surveyed(console.engine, [migration_file("change.sql", words)])
        async with console.runner(plan) as runner:
            await runner.run()
        async with console.runner(plan) as runner:
            assert [one.state for one in runner.state.steps] == [State.DONE] * 3
    assert file.sql("SELECT sql LIKE '%INSERT ON%' FROM sqlite_schema WHERE name = 'noted'") == [(1,)]


async def test_a_number_that_was_given_once_is_not_given_again_after_a_rebuild(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "shop.db")
    file.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT)",
        "INSERT INTO t (a) VALUES (1), (2), (3)",
        "DELETE FROM t",
    )
    async with Console(file.url) as console:
        plan = await surveyed(console.engine, [migration_file("c.sql", "ALTER TABLE t ALTER a SET NOT NULL")])
        async with console.runner(plan) as runner:
            await runner.run()
    file.sql("INSERT INTO t (a) VALUES (4)")
    assert file.sql("SELECT id FROM t") == [(4,)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("CREATE UNIQUE INDEX one ON t (a)", "no two rows of t have the same a"),
        ("ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)", "every row of t keeps CHECK (a > 0)"),
        ("ALTER TABLE t ALTER COLUMN b SET NOT NULL", "every row of t has a value in b"),
        ("CREATE TABLE u (a int); CREATE UNIQUE INDEX one ON u (a)", ""),
    ],
)
async def test_rows_that_would_break_a_constraint_are_told_of(tmp_path: Path, sql: str, said: str) -> None:
    file = SqliteFile(tmp_path / "shop.db")
    file.sql("CREATE TABLE t (a int, b int)", "INSERT INTO t (a) VALUES (-1), (-1)")
    async with Console(file.url) as console:
        plan = await surveyed(console.engine, [migration_file("change.sql", sql)])
    told = [note for step in plan.steps for note in step.notes if "it is not so" in note]
    assert told == ([f"AS IT STANDS THIS FAILS: it is not so that {said}"] if said else []), plan.steps
