"""The object tree of real files, with every name and shape that a schema may have."""

from __future__ import annotations

import sqlite3

import pytest

from dbtui.engines.sqlite import space
from dbtui.engines.sqlite.engine import SqliteEngine
from dbtui.errors import QueryError
from dbtui.model.catalog import Detail, Kind, Node
from tests.engines.sqlite.opened import opened
from tests.servers.sqlite import SqliteFile

ODD = ["weird name", 'quo"te', "new\nline", "br[ack]et", "it's", "", "sélect; drop", "a`b", "x.y", "internal"]


@pytest.fixture
def shop(sqlite_file: SqliteFile) -> SqliteFile:
    sqlite_file.sql(
        "CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE DEFAULT 'x, y') STRICT",
        """CREATE TABLE orders(
             "no" TEXT, line INT, customer INT NOT NULL REFERENCES customers(id) ON DELETE CASCADE,
             total REAL CONSTRAINT positive CHECK (total >= 0 AND ')' <> ''), -- a comment, with a comma
             cents INT GENERATED ALWAYS AS (cast(total * 100 AS INT)) STORED,
             twice AS (total * 2),
             PRIMARY KEY ("no", line), CHECK (line IN (1, 2, 3))) WITHOUT ROWID""",
        "CREATE INDEX by_total ON orders(lower(\"no\"), total DESC) WHERE total > 10",
        "CREATE VIEW rich AS SELECT * FROM orders WHERE total > 90",
        "CREATE TRIGGER noted AFTER INSERT ON customers BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE words USING fts5(body)",
        "INSERT INTO customers(name) VALUES ('ann'), ('bob')",
        "ANALYZE",
    )  # fmt: skip
    return sqlite_file


async def tree(engine: SqliteEngine) -> dict[str, Node]:
    assert engine.catalog is not None
    (database,) = await engine.catalog.children(None)
    return {one.name: one for one in await engine.catalog.children(database)}


async def detail(engine: SqliteEngine, node: Node) -> Detail:
    assert engine.catalog is not None
    return await engine.catalog.detail(node)


async def test_the_tree(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        assert engine.catalog is not None
        nodes = await tree(engine)
        assert list(nodes) == ["customers", "orders", "words", "rich", "Internal"]
        customers, orders = nodes["customers"], nodes["orders"]
        assert (customers.detail, customers.rows, customers.kind) == ("STRICT", 2, Kind.TABLE)
        assert (orders.detail, orders.rows) == ("WITHOUT ROWID", None)
        assert customers.size == 2 * 4096
        assert nodes["words"].note == "virtual"
        internal = [one.name for one in await engine.catalog.children(nodes["Internal"])]
        assert {"sqlite_stat1", "sqlite_sequence", "words_data", "words_config"} <= set(internal)
        parts = await engine.catalog.children(customers)
        assert [(one.name, one.detail, one.note) for one in parts[:2]] == [
            ("id", "INTEGER", "primary key"),
            ("name", "TEXT", "not null"),
        ]
        assert [one.name for one in parts[2:]] == ["Indexes", "Constraints", "Triggers"]
        (index,) = await engine.catalog.children(parts[2])
        assert index.detail == "unique (name)"
        names = await engine.catalog.names("shop.db")
        assert [name.path[-1] for name in names[:4]] == ["customers", "orders", "rich", "words"]


async def test_columns_and_constraints(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        nodes = await tree(engine)
        table = (await detail(engine, nodes["orders"])).table
        assert table is not None
        columns = {one.name: one for one in table.columns}
        assert columns["cents"].generated == "cast(total * 100 AS INT) stored"
        assert columns["twice"].generated == "total * 2 virtual"
        assert not columns["customer"].nullable
        assert not columns["no"].nullable  # of a key without rowid
        assert [(one.name, one.kind, one.definition) for one in table.constraints] == [
            ("primary key", "primary key", "(no, line)"),
            ("foreign key 0", "foreign key", "(customer) references customers(id) on delete cascade"),
            ("positive", "check", "total >= 0 AND ')' <> ''"),
            ("check 2", "check", "line IN (1, 2, 3)"),
        ]
        indexes = {one.name: one for one in table.indexes}
        assert indexes["by_total"].columns == ('lower("no")', "total")
        assert indexes["by_total"].predicate == "total > 10"
        key = next(one for one in table.indexes if one.primary)
        assert key.columns == ("no", "line")
        customers = (await detail(engine, nodes["customers"])).table
        assert customers is not None
        assert [one.nullable for one in customers.columns] == [False, False]
        assert customers.columns[1].default == "'x, y'"


async def test_facts_and_ddl(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        nodes = await tree(engine)
        customers = await detail(engine, nodes["customers"])
        facts = dict(customers.facts)
        assert facts["options"] == "STRICT, AUTOINCREMENT"
        assert facts["rows"] == "2 when it was analysed"
        assert facts["size"] == "8.0 kB"
        assert "CREATE TABLE customers" in customers.ddl
        assert "CREATE TRIGGER noted" in customers.ddl
        assert dict((await detail(engine, nodes["words"])).facts)["options"] == "USING fts5"
        assert (await detail(engine, nodes["rich"])).ddl.startswith("CREATE VIEW rich")
        assert engine.catalog is not None
        (database,) = await engine.catalog.children(None)
        facts = dict((await detail(engine, database)).facts)
        assert facts["journal mode"] == "delete"
        assert facts["statistics"].startswith("of ")
        copy = sqlite3.connect(":memory:")
        copy.executescript(customers.ddl)  # what is shown makes the table
        copy.close()


async def test_every_part_has_a_detail(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        assert engine.catalog is not None
        waiting = list((await tree(engine)).values())
        seen = 0
        while waiting:
            node = waiting.pop()
            shown = await detail(engine, node)
            assert shown.node == node
            assert shown.table is not None or node.kind not in (
                Kind.COLUMN,
                Kind.INDEX,
                Kind.CONSTRAINT,
                Kind.TRIGGER,
            )
            waiting += await engine.catalog.children(node)
            seen += 1
        assert seen > 50


async def test_odd_names(sqlite_file: SqliteFile) -> None:
    for number, name in enumerate(ODD):
        quoted = '"' + name.replace('"', '""') + '"'
        sqlite_file.sql(
            f'CREATE TABLE {quoted}(a, "b c")', f"INSERT INTO {quoted} VALUES ({number}, 0)",
            f'CREATE INDEX "../../etc/i{number}" ON {quoted}("b c")',
        )  # fmt: skip
    async with opened(sqlite_file.url) as engine:
        assert engine.catalog is not None
        nodes = await tree(engine)
        assert sorted(nodes) == sorted(ODD)
        for number, name in enumerate(ODD):
            page = await engine.catalog.sample(nodes[name])
            assert page.rows == ((str(number), "0"),), name
            table = (await detail(engine, nodes[name])).table
            assert table is not None
            assert [(one.name, one.columns) for one in table.indexes] == [
                (f"../../etc/i{number}", ("b c",))
            ], name
            for part in await engine.catalog.children(nodes[name]):
                await engine.catalog.detail(part)


async def test_samples(shop: SqliteFile) -> None:
    shop.sql("INSERT INTO words VALUES ('hello')")
    async with opened(shop.url) as engine:
        assert engine.catalog is not None
        nodes = await tree(engine)
        page = await engine.catalog.sample(nodes["customers"], 1)
        assert (page.rows, page.more) == ((("1", "ann"),), True)
        assert (await engine.catalog.sample(nodes["words"])).rows == (("hello",),)
        assert (await engine.catalog.sample(nodes["rich"])).rows == ()
        with pytest.raises(QueryError):
            await engine.catalog.sample(nodes["Internal"])


async def test_what_was_dropped_and_what_no_module_serves(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql("CREATE TABLE t(a)")
    connection = sqlite3.connect(sqlite_file.path)
    connection.execute("PRAGMA writable_schema = on")
    connection.execute(
        "INSERT INTO sqlite_master VALUES ('table', 'far', 'far', 0, 'CREATE VIRTUAL TABLE far USING nowhere(a)')"
    )
    connection.commit()
    connection.close()
    async with opened(sqlite_file.url) as engine:
        assert engine.catalog is not None
        nodes = await tree(engine)
        with pytest.raises(QueryError, match="no such module") as refused:
            await engine.catalog.sample(nodes["far"])
        assert "extension" in refused.value.hint
        sqlite_file.sql("DROP TABLE t")
        with pytest.raises(QueryError, match="no longer there"):
            await engine.catalog.detail(nodes["t"])
        engine.catalog.forget()
        assert "t" not in await tree(engine)


async def test_sizes_have_a_budget(shop: SqliteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "BESIDE_WRITERS", 0.0)
    async with opened(shop.url) as engine:
        nodes = await tree(engine)
        assert nodes["customers"].size is None
        assert "not told" in dict((await detail(engine, nodes["customers"])).facts)["size"]
