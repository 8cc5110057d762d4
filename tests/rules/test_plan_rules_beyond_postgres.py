"""Rules about plans of MySQL, MariaDB, SQLite and FerretDB fire on what real servers say, not on what is near it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.commands.server_plans import explain_on
from dbtui.engines.sqlite.explain import as_json, as_tree
from dbtui.model.finding import Severity
from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.rules.plan import findings
from dbtui.rules.plan.documents import branches, predicates
from dbtui.rules.plan.tables import compared
from dbtui.rules.plan.why import why, why_each
from tests.engines.mongodb.support import database, opened
from tests.plans import test_mysql_plans as shapes
from tests.servers.ferretdb import FerretServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer
from tests.servers.sqlite import SqliteFile

SCHEMA = (
    "CREATE TABLE numbers (n INT PRIMARY KEY)",
    "INSERT INTO numbers WITH RECURSIVE x AS (SELECT 1 n UNION ALL SELECT n + 1 FROM x WHERE n < 1000)"
    " SELECT n FROM x",
    "CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(40), n INT)",
    "INSERT INTO customer SELECT n, CONCAT('c', n), n % 50 FROM numbers",
    "CREATE TABLE orders (id INT PRIMARY KEY, customer INT, total INT, placed DATE, note VARCHAR(60),"
    " KEY customer (customer), KEY placed (placed), KEY total (total))",
    "INSERT INTO orders SELECT a.n * 12 + b.n, (a.n * 7919 + b.n) % 400, (a.n * 37 + b.n) % 1000,"
    " '2025-01-01' + INTERVAL a.n % 365 DAY, CONCAT('note ', a.n) FROM numbers a JOIN numbers b ON b.n <= 12",
    "CREATE TABLE skew (id INT PRIMARY KEY, kind INT, flag INT, other INT, KEY kind (kind, flag, other))",
    "INSERT INTO skew SELECT id, IF(id % 12 < 11, 1, id), id % 11, id % 1000 FROM orders",
    "ANALYZE TABLE customer, orders, skew",
)
SUBQUERY = (
    "select id, (select max(total) from orders o where o.customer = c.id and o.note like 'note 1%') m"
    " from customer c"
)
HITS = {
    "my-full-scan": "select * from orders where note = 'note 5'",
    "my-filesort": "select * from orders order by note",
    "my-temporary-table": "select note, count(*) from orders group by note",
    "my-join-without-index": "select count(*) from customer a join customer b on a.n < b.n",
    "my-row-misestimate": "select count(*) from customer c join skew s on s.kind = c.id where c.id < 5",
    "my-read-then-filtered": "select * from orders force index (total) where total between 0 and 900"
    " and note = 'note 5'",
    "my-unused-key-parts": "select * from skew force index (kind) where kind = 1 and other = 3",
    "my-dependent-subquery": SUBQUERY,
    "my-index-merge": "select * from orders where total = 5 and placed = '2025-03-03'",
}  # fmt: skip
MISSES = {
    "my-full-scan": "select * from customer where name < 'c95'",
    "my-filesort": "select * from orders where id <= 9000 order by note",
    "my-temporary-table": "select note, count(*) from orders where id <= 9000 group by note",
    "my-join-without-index": "select count(*) from customer a join customer b on a.n < b.n where a.id < 10",
    "my-row-misestimate": "select count(*) from customer c join orders o on o.customer = c.id where c.id < 50",
    "my-read-then-filtered": "select * from orders force index (total) where total between 0 and 900"
    " and note <= 'note 4'",
    "my-unused-key-parts": "select * from skew force index (kind) where kind = 1 and flag = 5 and other > 3",
    "my-dependent-subquery": f"{SUBQUERY} where id < 1000",
    "my-index-merge": "select * from orders where total = 5 or placed = '2025-03-03'",
}  # fmt: skip


@cache
def _database(server: MysqlProtocolServer) -> str:
    name = server.create_database()
    server.sql(*SCHEMA, database=name)
    return name


def plans(server: MysqlProtocolServer, sql: str) -> list[Plan]:
    """The plans of a query that was run, in every notation that the server has."""
    ways = ["ANALYZE FORMAT=JSON "]
    if server.engine == "mysql":
        ways = ["EXPLAIN ANALYZE FORMAT=TREE ", "EXPLAIN ANALYZE FORMAT=JSON "]
    connection = server.connect(_database(server))
    try:
        cursor = connection.cursor()
        if server.engine == "mysql":
            cursor.execute("SET SESSION explain_json_format_version = 2")
        made = []
        for way in ways:
            cursor.execute(way + sql)
            row = cursor.fetchone()
            assert row is not None
            made.append(parse(str(row[0])))
        return made
    finally:
        connection.close()


def told(plan: Plan) -> set[str]:
    return {one.rule for one in findings(plan)}


@pytest.mark.parametrize("rule", HITS)
def test_a_rule_of_mysql_fires(mysql: MysqlProtocolServer, rule: str) -> None:
    for plan in plans(mysql, HITS[rule]):
        assert rule in told(plan), plan.original


@pytest.mark.parametrize("rule", MISSES)
def test_a_rule_of_mysql_is_silent_near_by(mysql: MysqlProtocolServer, rule: str) -> None:
    for plan in plans(mysql, MISSES[rule]):
        assert rule not in told(plan), plan.original
        assert why(plan, rule).reason


def test_the_statements_of_mysqls_findings_run_and_help(mysql9: MysqlServer) -> None:
    asked = "select * from skew t where t.other = 7 and t.flag < 3"
    (statement,) = (one.sql[0] for one in findings(plans(mysql9, asked)[1]) if one.rule == "my-full-scan")
    assert statement == f"ALTER TABLE {_database(mysql9)}.skew ADD INDEX (other, flag);"
    copy = mysql9.create_database()
    mysql9.sql(f"CREATE TABLE skew LIKE {_database(mysql9)}.skew",
              f"INSERT INTO skew SELECT * FROM {_database(mysql9)}.skew",
              statement.replace(_database(mysql9), copy), database=copy)  # fmt: skip
    ((after,),) = mysql9.sql(f"EXPLAIN ANALYZE {asked}", database=copy)
    assert "my-full-scan" not in told(parse(str(after)))


@pytest.mark.parametrize(("engine", "notation"), shapes.CASES)
def test_plans_of_every_shape_are_judged(engine: str, notation: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("mysql9" if engine == "mysql" else "mariadb11")
    for name, text in shapes.texts(server, notation).items():
        plan = parse(text)
        for one in findings(plan):
            assert one.rule.startswith("my-"), name
            assert all(isinstance(value, float | int | str) for value in one.evidence.values()), name
        for said in why_each(plan):
            assert bool(said.findings) != bool(said.reason), (name, said.rule.rule.id)


LITE_SCHEMA = (
    "CREATE TABLE o (id INTEGER PRIMARY KEY, c INT, t INT)",
    "CREATE INDEX oc ON o (c)",
    "CREATE TABLE l (id INTEGER PRIMARY KEY, o INT, q INT)",
    "CREATE TABLE x (a, b)",
)
LITE = {
    "lite-scan": ("select * from o where t = 5", "select * from o where c = 5"),
    "lite-temp-btree": ("select * from o where c = 5 order by t", "select * from o where c > 5 order by c"),
    "lite-automatic-index": ("select * from x, l where x.a = l.o", "select * from l, o where l.o = o.id"),
    "lite-correlated-subquery": (
        "select id, (select sum(q) from l where l.o = o.id) from o",
        "select id, (select t from o where o.id = l.o) from l",
    ),
}


@pytest.mark.parametrize("rule", LITE)
@pytest.mark.parametrize("notation", [as_tree, as_json])
def test_a_rule_of_sqlite_fires_and_is_silent_near_by(
    sqlite_file: SqliteFile, rule: str, notation: Callable[..., str]
) -> None:
    for sql, expected in zip(LITE[rule], (True, False), strict=True):
        plan = parse(notation(_rows(sqlite_file, sql)))
        assert (rule in told(plan)) is expected, plan.original


def _rows(file: SqliteFile, sql: str) -> list[tuple[int, int, int, str]]:
    if not file.sql("SELECT 1 FROM sqlite_master"):
        file.sql(*LITE_SCHEMA)
    return file.sql(f"EXPLAIN QUERY PLAN {sql}")  # type: ignore[return-value]


def test_a_scan_inside_a_loop_is_graver_and_an_automatic_index_can_be_made(sqlite_file: SqliteFile) -> None:
    plan = parse(as_tree(_rows(sqlite_file, "select * from x, l where x.a < l.o")))
    assert [one.severity for one in findings(plan)] == [Severity.WARNING, Severity.INFO]
    asked = "select * from x, l where x.a = l.o"
    (statement,) = (
        one.sql[0]
        for one in findings(parse(as_tree(_rows(sqlite_file, asked))))
        if one.rule == "lite-automatic-index"
    )
    sqlite_file.sql(statement)
    assert "lite-automatic-index" not in told(parse(as_tree(_rows(sqlite_file, asked))))


async def test_rules_of_mongodb_read_what_ferretdb_estimates(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "n": n % 100, "note": f"note {n}"} for n in range(2000)])
        shop.orders.create_index("n")
        asked = {
            "db.orders.find({note: 'note 5'})": {"mongo-collscan"},
            "db.orders.find({note: /99$/})": {"mongo-collscan", "mongo-regex-unanchored"},
            "db.orders.find({n: 5}).sort({note: -1})": {"mongo-in-memory-sort"},
            "db.orders.find({n: {$ne: 5}})": {"mongo-negation-only"},
            f"db.orders.find({{n: {{$in: {list(range(201))}}}}})": {"mongo-large-in"},
            "db.orders.find({n: 5})": set(),
        }
        async with opened(ferretdb.url(shop.name)) as engine:
            for text, expected in asked.items():
                plan = await explain_on(engine, text)
                assert told(plan) == expected, text
            sort = findings(await explain_on(engine, "db.orders.find({n: 5}).sort({note: -1})"))
    assert sort[0].sql == ("db.orders.createIndex({n: 1, note: -1});",)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("(o.note = 'a or b')", (["note"], [])),
        ("o.a > 1 and o.`b c` = 2 and o.a < 5", (["`b c`"], ["a"])),
        ("((`shop`.`o`.`a` = 5) and (`shop`.`o`.`d` = `shop`.`c`.`id`))", (["`a`", "`d`"], [])),
        ("(c.id = o.a)", (["a"], [])),
        ("(year(o.placed) = 2024)", ([], [])),
        ("((o.a + o.b) = 5)", ([], [])),
        ("(o.note like '%x')", ([], [])),
        ("(o.note like 'x%')", ([], ["note"])),
        ("((o.a = 1) or (o.b = 2))", ([], [])),
        ("(o.a <> 1)", ([], [])),
    ],
)
def test_the_columns_that_a_condition_of_mysql_compares(
    condition: str, expected: tuple[list[str], list[str]]
) -> None:
    assert compared(condition, "o") == expected


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$and", "$or", "$in", "$ne", "$regex", "$options", "a", "b"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.text(alphabet="oa.`'()= <>+%nliked", max_size=80), _JSON)
def test_any_condition_and_any_filter_is_looked_at(condition: str, document: object) -> None:
    equal, ranges = compared(condition, "o")
    assert not set(equal) & set(ranges)
    if isinstance(document, dict):
        assert all(not one.field.startswith("$") for one in predicates(document))
        assert isinstance(branches(document), list)
