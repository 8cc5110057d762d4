"""Plans of real files: of reads, writes and placeholders, and read back as a tree."""

from __future__ import annotations

import subprocess
from shutil import which

import pytest

from dbtui.errors import QueryError
from dbtui.plans import parse
from dbtui.safety import approve, scope_of
from tests.engines.sqlite.opened import opened
from tests.servers.sqlite import SqliteFile

JOIN = (
    "SELECT * FROM o JOIN c ON c.id = o.customer WHERE c.name = 'x' AND o.total > 3 ORDER BY o.total LIMIT 3"
)
UNION = "SELECT id FROM c WHERE name > 'a' UNION SELECT customer FROM o ORDER BY 1"
SHAPES = [
    JOIN,
    UNION,
    "SELECT * FROM c WHERE id IN (SELECT customer FROM o WHERE total = c.id) OR name = 'x'",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n, c WHERE c.id = i",
    "SELECT * FROM c LEFT JOIN (SELECT customer, sum(total) s FROM o GROUP BY customer) g ON g.customer = c.id",
    "SELECT DISTINCT total FROM o ORDER BY total + 1",
    "SELECT name, (SELECT max(total) FROM o WHERE customer = c.id) FROM c",
    "UPDATE c SET name = 'y' WHERE id = ?1 RETURNING *",
    "INSERT INTO c(name) SELECT name FROM c ORDER BY name",
    "DELETE FROM o WHERE customer IN (SELECT id FROM c)",
]


@pytest.fixture
def shop(sqlite_file: SqliteFile) -> SqliteFile:
    sqlite_file.sql(
        "CREATE TABLE c(id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
        "CREATE TABLE o(id INTEGER PRIMARY KEY, customer INT, total REAL)",
        "CREATE INDEX o_customer ON o(customer, total)",
    )
    return sqlite_file


@pytest.mark.parametrize("sql", SHAPES)
async def test_the_tree_holds_every_step(shop: SqliteFile, sql: str) -> None:
    async with opened(shop.url) as engine:
        assert engine.explain is not None
        raw = await engine.explain.explain(sql)
    plan = parse(raw.text)
    steps = shop.sql(f"EXPLAIN QUERY PLAN {sql.replace('?1', 'NULL')}")
    assert sorted(node.label for node in plan.nodes[1:]) == sorted(str(step[3]) for step in steps)
    by_id = {step[0]: str(step[3]) for step in steps}
    wanted = sorted((by_id.get(step[1], "QUERY PLAN"), str(step[3])) for step in steps)
    found = sorted((plan.nodes[node.parent or 0].label, node.label) for node in plan.nodes[1:])
    assert found == wanted
    assert not plan.analyzed
    assert raw.format == plan.format == "sqlite-text"


@pytest.mark.skipif(which("sqlite3") is None, reason="no sqlite3 shell")
async def test_it_prints_what_the_shell_prints(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        assert engine.explain is not None
        for sql in SHAPES:
            raw = await engine.explain.explain(sql)
            argv = ["sqlite3", str(shop.path), f"EXPLAIN QUERY PLAN {sql}"]
            said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
            assert parse(said).nodes == parse(raw.text).nodes


async def test_an_explain_in_the_text_is_not_doubled(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        assert engine.explain is not None
        plain = await engine.explain.explain(JOIN)
        for prefix in ("EXPLAIN ", "explain  query plan ", "/* x */"):
            assert (await engine.explain.explain(prefix + JOIN)).text == plain.text


async def test_placeholders_need_no_values(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        assert engine.explain is not None
        for condition in (
            "id = ?",
            "id = ?2 AND name = ?1",
            "id = :a AND name = @b",
            "id = $a",
            "id = ? AND name = :x",
        ):
            raw = await engine.explain.explain(f"SELECT * FROM c WHERE {condition}")
            assert "made without values for the placeholders" in raw.notes
            assert "SEARCH c" in raw.text


async def test_names_with_newlines_keep_their_place(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql('CREATE TABLE "new\n|--line"(a)', 'CREATE INDEX "i\n2" ON "new\n|--line"(a)')
    async with opened(sqlite_file.url) as engine:
        assert engine.explain is not None
        raw = await engine.explain.explain('SELECT a FROM "new\n|--line" WHERE a = 1')
    plan = parse(raw.text)
    assert raw.format == plan.format == "sqlite-json"
    assert (plan.nodes[1].relation, plan.nodes[1].index) == ("new\n|--line", "i\n2")
    assert len(plan.nodes) == 2


async def test_what_has_no_plan(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        assert engine.explain is not None
        for sql in ("VACUUM", "PRAGMA page_count", "CREATE TABLE x(a)", "", "ANALYZE", "BEGIN"):
            with pytest.raises(QueryError, match="has no plan"):
                await engine.explain.explain(sql)
        with pytest.raises(QueryError, match="no such table"):
            await engine.explain.explain("SELECT * FROM nowhere")


async def test_it_is_not_measured_even_with_an_approval(shop: SqliteFile) -> None:
    shop.sql("INSERT INTO c(name) VALUES ('ann')")
    async with opened(shop.url) as engine:
        assert engine.explain is not None
        sql = "DELETE FROM c"
        with pytest.raises(QueryError, match="measures no plans"):
            await engine.explain.explain(sql, analyze=True, approval=approve("file", scope_of(sql), "try"))
    assert shop.sql("SELECT count(*) FROM c") == [(1,)]
