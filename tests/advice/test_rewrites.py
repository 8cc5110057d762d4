"""Rewrites return what the original returns, duplicates counted, on data full of NULLs; else they are not offered."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.advice.rewrites.subject import Offer, Refused, Subject, subject
from dbtui.commands.planners import facts_for
from dbtui.commands.rewriting import PACKAGE
from dbtui.config import resolve
from dbtui.engines import create
from dbtui.model.advice import ColumnFacts, Facts, Query, TableFacts
from dbtui.model.catalog import Index
from dbtui.rules.base import load_rule, rule_ids
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer
from tests.servers.sqlite import SqliteFile

# Few values, so that there are duplicates; every nullable column holds NULLs; `none` is empty.
SCHEMA = """
set timezone = 'Europe/Berlin';
create table a (id int primary key, x int, y int, z int not null, n text, at timestamp, tz timestamptz not null);
insert into a select i, nullif(i % 7, 0), nullif(i % 5, 1), i % 4, nullif('N' || i % 6, 'N2'),
  case when i % 9 > 0 then '2024-12-25'::timestamp + i * interval '7 h' end,
  '2025-03-20 00:00+01'::timestamptz + i * interval '5 h 30 min' from generate_series(1, 120) i;
create table b (id int primary key, k int, v int, r int not null, q int not null, w bigint);
insert into b select i, nullif(i % 4, 0), nullif(i % 6, 1), i % 3, i % 2, i % 5 from generate_series(1, 40) i;
create table none (id int primary key, k int, r int not null);
create unique index some_b on b (k) where id = 1;
"""
SAME = {
    "any-in-to-exists": [
        "select * from a where x in (select k from b)",
        "select * from a where x in (select distinct k from b where v > 1) and z > 1 or y = any (select r from b)",
        "select o.id from a o join b p on p.r = o.z where (o.x, p.v) in (select k, v from b c where c.q = o.z)",
        "select * from a where x in (select r from none)",
    ],
    "any-not-in-to-not-exists": [
        "select * from a where x not in (select r from b where q = 1)",
        "select * from a where x not in (select r from none)",
        "select * from a where id not in (select r from b) and not (x in (select q from b))",
        "select * from a where x not in (select r from b where b.k = a.y)",
        "select * from a where (id, z) not in (select r, q from b) or y = 3",
        "select * from a where x not in (select k from b where k is not null and v > 3)",
    ],
    "any-scalar-subquery-to-join": [
        "select *, (select max(v) from b where b.k = a.x) from a",
        "select id, (select count(*) from b where k = a.x and v > 2) n from a order by n, id",
        "select id, 2 * (select sum(v) + count(v) from b where b.k = a.x and b.r = a.y) as s from a",
        "select coalesce((select v from b where b.id = a.x and b.q = 1), -1) from a",
        "select o.*, p.id, (select round(avg(v), 3) from b c where c.k = o.x) from a o"
        " left join b p on p.id = o.y where o.z > 1",
    ],
    "any-or-to-union": [
        "select * from a where x = 1 or y = 2",
        "select x, n from a where (x = 1 or y = 2 or n = 'N3') and z < 3",
        "select a.id, b.id from a join b on b.k = a.x where a.y = 2 or b.v is null",
        "select id, x from a where not (x <> 1) or y in (2, 3) order by id desc limit 7 offset 2",
        "with c as (select * from a where id > 9) select n from c where x > 2 or y < 3 order by 1",
    ],
    "any-date-function-to-range": [
        "select * from a where at::date = '2025-01-03'",
        "select * from a where not (date(at) = date '2025-01-03') and date(tz) <= '2025-03-30'",
        "select * from a where date_trunc('month', at) = '2025-01-01' or date_trunc('day', tz) > '2025-03-31'",
        "select * from a where extract(year from at) = 2024 or '2025-01-10' < date(at)",
        "select * from a where at::date >= '2025-01-10' and extract(year from at) < 2026",
    ],
}  # fmt: skip
REFUSED = {
    "any-in-to-exists": [
        "select * from a where x in (select max(k) from b)",
        "select * from a where x in (select k from b order by v limit 3)",
        "select * from a where x in (select k from b union select r from b)",
        "select * from a where x in (select a.x from b a)",
        "select * from a where x in (select generate_series(1, k) from b)",
    ],
    "any-not-in-to-not-exists": [
        "select * from a where x not in (select k from b)",
        "select * from a where x not in (select c.r from b left join b c on c.id = b.k)",
        "select * from a where (x, z) not in (select r, q from b)",
        "select * from a where x not in (select k from b where k is not null or v > 3)",
        "with B as (select k as r from b) select * from a where x not in (select r from B)",
    ],
    "any-scalar-subquery-to-join": [
        "select (select v from b where b.k = a.x) from a",
        "select (select max(v) from b where b.k > a.x) from a",
        "select (select max(v) from b where b.w = a.x) from a",
        "select (select max(v) from b where b.k = a.x having count(*) > 1) from a",
        "select max((select max(v) from b where b.k = a.x)) from a",
        "select (select string_agg(v::text, ',') from b where b.k = a.x) from a",
        "select (select coalesce(v, 0) from b where b.id = a.x) from a",
        "select (select v from b where b.id = a.x) from a, none",
    ],
    "any-or-to-union": [
        "select count(*) from a where x = 1 or y = 2",
        "select distinct x from a where x = 1 or y = 2",
        "select x from a where x = 1 or random() < y",
        "select x from a where x = 1 or y = 2 order by z",
        "select * from a where x = 1 or y = 2 for update",
    ],
    "any-offset-to-keyset": [
        "select * from a order by x limit 5 offset 5",
        "select * from a limit 5 offset 5",
        "select z, count(*) from a group by z order by z offset 1",
        "select * from a join b on b.id = a.x order by a.id offset 5",
    ],
    "any-date-function-to-range": [
        "select * from a where date(n) = '2025-01-03'",
        "select * from a where date_trunc('month', at) = '2025-01-03'",
        "select * from a where at::date = n::date",
    ],
}  # fmt: skip


class Database:
    """The tables in a database, and what the engine says of them."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.name = server.create_database()
        server.psql(SCHEMA, self.name)
        self.facts = asyncio.run(self.now())

    async def now(self, tables: str = "a, b, none") -> Facts:
        engine = create(resolve(self.server.url(self.name)))
        await engine.open()
        try:
            return await facts_for(engine, [Query(f"select 1 from {tables}")], self.name)
        finally:
            await engine.close()

    def rows(self, sql: str) -> list[str]:
        told = self.server.psql(f"set timezone = 'Europe/Berlin'; {sql}", self.name)
        return [line for line in told.splitlines() if line != "SET"]


@pytest.fixture(scope="module")
def database(postgres18: PostgresServer) -> Iterator[Database]:
    yield Database(postgres18)


def asked(rule: str, sql: str, facts: Facts) -> tuple[Subject, list[Offer], list[Refused]]:
    read = subject(sql, facts)
    assert read is not None
    found = list(load_rule(PACKAGE, rule).check(read))
    offers = [one for one in found if isinstance(one, Offer)]
    return read, offers, [one for one in found if isinstance(one, Refused)]


@pytest.mark.parametrize(("rule", "sql"), [(rule, sql) for rule, all_ in SAME.items() for sql in all_])
def test_the_rows_are_the_same(database: Database, rule: str, sql: str) -> None:
    read, offers, _ = asked(rule, sql, database.facts)
    assert len(offers) == 1
    text = read.text(offers[0].tree)
    before, after = database.rows(sql), database.rows(text)
    if "order by" not in sql:
        before, after = sorted(before), sorted(after)
    assert after == before, text
    assert any(before) or "none" in sql, "a test on no rows shows nothing"


@pytest.mark.parametrize(("rule", "sql"), [(rule, sql) for rule, all_ in REFUSED.items() for sql in all_])
def test_it_is_not_offered_where_a_condition_fails(database: Database, rule: str, sql: str) -> None:
    _, offers, refusals = asked(rule, sql, database.facts)
    assert offers == [] and refusals and refusals[0].reason


@pytest.mark.parametrize(
    ("order", "keys"),
    [("id", "id"), ("z desc, id desc", "z, id"), ("z, tz desc, id", "z, tz, id"), ("z", "z, id")],
)
def test_pages_by_keys_are_the_pages_by_offset(database: Database, order: str, keys: str) -> None:
    sql = f"select * from a where y = 2 order by {order} limit 5 offset 5"
    read, (offer,), _ = asked("any-offset-to-keyset", sql, database.facts)
    settled = ", ".join([order] if order.endswith(("id", "id desc")) else [order, "id"])
    shown: list[str] = []
    last = database.rows(f"select {keys} from a where y = 2 order by {settled} limit 1 offset 4")
    while last:
        values = last[0].split("|")
        page = re.sub(r"\$(\d+)", lambda m, v=values: f"'{v[int(m[1]) - 1]}'", read.text(offer.tree))  # type: ignore[misc]
        shown += database.rows(page)
        count = len(shown) + 4
        last = database.rows(f"select {keys} from a where y = 2 order by {settled} limit 1 offset {count}")
        if len(shown) % 5:
            break
    assert shown == database.rows(f"select * from a where y = 2 order by {settled} offset 5")
    assert len(shown) > 10


def test_not_in_over_a_null_shows_why_the_condition_is_there(database: Database) -> None:
    assert database.rows("select * from a where x not in (select k from b)") == []
    assert database.rows("select * from a where not exists (select 1 from b where k = x)")


def test_not_null_that_is_not_valid_promises_nothing(database: Database) -> None:
    database.server.psql(
        "create table late (k int); insert into late values (null); alter table late add not null k not valid",
        database.name,
    )

    assert asyncio.run(database.now("late")).tables[0].columns["k"].nullable


def test_an_expression_index_is_wanted_once(database: Database) -> None:
    sql = "select * from a where lower(n) = 'n1'"
    _, (offer,), _ = asked("any-function-to-expression-index", sql, database.facts)
    (ddl,) = offer.indexes
    database.server.psql(ddl, database.name)
    try:
        assert "a_lower_n_idx" in "".join(database.rows(f"set enable_seqscan = off; explain {sql}"))
        _, offers, _ = asked("any-function-to-expression-index", sql, asyncio.run(database.now()))
    finally:
        database.server.psql("drop index a_lower_n_idx", database.name)
    assert offers == []


ELSEWHERE = """
create table a (id int not null primary key, x int, y int, z int not null, at datetime)
create table b (id int not null primary key, k int, v int, r int not null, q int not null)
"""
ROWS = """
insert into a select i, nullif(i % 7, 0), nullif(i % 5, 1), i % 4, case when i % 9 > 0 then MOMENT end from n
insert into b select i, nullif(i % 4, 0), nullif(i % 6, 1), i % 3, i % 2 from n where i < 41
"""
NUMBERS = "(with recursive c(i) as (select 1 union all select i + 1 from c where i < 120) select i from c)"
BOTH = [
    (
        "any-in-to-exists",
        "select * from a where x in (select k from b where v > 1) or y in (select r from b)",
    ),
    ("any-not-in-to-not-exists", "select * from a where x not in (select r from b where q = 1)"),
    ("any-not-in-to-not-exists", "select * from a where x not in (select r from b where b.k = a.y)"),
    ("any-scalar-subquery-to-join", "select id, (select count(*) from b where b.k = a.x and v > 2) from a"),
    ("any-scalar-subquery-to-join", "select a.*, 2 * (select sum(v) + 1 from b where b.k = a.x) as s from a"),
    ("any-scalar-subquery-to-join", "select *, (select v from b where b.id = a.x and b.q = 1) from a"),
    ("any-or-to-union", "select * from a where (x = 1 or y = 2) and z < 3"),
    ("any-or-to-union", "select id, x from a where not (x <> 1) or y in (2, 3) order by id desc limit 7"),
]
RANGES = [
    ("any-date-function-to-range", "select * from a where not date(at) = '2025-01-03' and year(at) = 2025"),
    (
        "any-date-function-to-range",
        "select * from a where date(at) <= current_date and date(at) > '2025-01-09'",
    ),
]


def elsewhere(dialect: str) -> Facts:
    """The same tables, as another engine's catalog tells of them."""
    tables = []
    for name, columns in (("a", "id x y z at"), ("b", "id k v r q")):
        facts = {
            c: ColumnFacts(c, "datetime" if c == "at" else "int", nullable=c not in ("id", "z", "r", "q"))
            for c in columns.split()
        }
        key = Index("PRIMARY", "", ("id",), unique=True, primary=True)
        tables.append(TableFacts("", name, facts, (key,)))
    return Facts(dialect, tuple(tables), search_path=("",))


def lines(text: str, moment: str) -> list[str]:
    filled = text.replace("MOMENT", moment).replace("from n", f"from {NUMBERS} n")
    return filled.strip().splitlines()


@pytest.mark.parametrize(("rule", "sql"), BOTH)
def test_the_rows_are_the_same_in_sqlite(sqlite_file: SqliteFile, rule: str, sql: str) -> None:
    sqlite_file.sql(*lines(ELSEWHERE, ""), *lines(ROWS, "'2025-01-01'"))
    read, (offer,), _ = asked(rule, sql, elsewhere("sqlite"))
    text = read.text(offer.tree)
    before, after = sqlite_file.sql(sql), sqlite_file.sql(text)
    assert before and sorted(after, key=repr) == sorted(before, key=repr), text


few = st.one_of(st.none(), st.integers(0, 2))
some = st.integers(0, 2)
a_rows = st.lists(st.tuples(few, few, some), max_size=6)
b_rows = st.lists(st.tuples(few, few, some, some), max_size=6)


@given(a_rows, b_rows)
def test_the_rows_are_the_same_on_any_content(
    a: list[tuple[int | None, ...]], b: list[tuple[int | None, ...]]
) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as raw:
        for statement in lines(ELSEWHERE, ""):
            raw.execute(statement)
        raw.executemany("insert into a values (?, ?, ?, ?, null)", [(i, *row) for i, row in enumerate(a)])
        raw.executemany("insert into b values (?, ?, ?, ?, ?)", [(i, *row) for i, row in enumerate(b)])
        for rule, sql in BOTH:
            read, (offer,), _ = asked(rule, sql, elsewhere("sqlite"))
            before, after = (raw.execute(text).fetchall() for text in (sql, read.text(offer.tree)))
            assert sorted(after, key=repr) == sorted(before, key=repr), sql


def test_the_rows_are_the_same_in_mysql_and_mariadb(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    moment = "timestamp('2024-12-25 00:00:00') + interval i * 7 hour"
    mysql.sql(*lines(ELSEWHERE, ""), *lines(ROWS, moment), database=name)
    for rule, sql in [*BOTH, *RANGES]:
        read, (offer,), _ = asked(rule, sql, elsewhere("mysql"))
        text = read.text(offer.tree)
        before, after = mysql.sql(sql, database=name), mysql.sql(text, database=name)
        assert before and sorted(after, key=repr) == sorted(before, key=repr), text


def test_a_mysql_range_is_in_its_words() -> None:
    facts = Facts("mysql", (TableFacts("", "a", {"at": ColumnFacts("at", "datetime")}),), search_path=("",))
    read, (offer,), _ = asked("any-date-function-to-range", "select * from a where date(at) = ?", facts)
    text = " ".join(read.text(offer.tree).split())
    assert "at >= CAST(? AS DATE) AND at < CAST(? AS DATE) + INTERVAL 1 DAY" in text


@pytest.mark.parametrize("rule", rule_ids(PACKAGE))
def test_each_says_what_why_when_and_what_of_nulls(rule: str) -> None:
    docs = load_rule(PACKAGE, rule).docs
    assert all(word in docs for word in ("\nWhy: ", "\nConditions: ", "\nNULLs: ", "\nSource: https://"))
