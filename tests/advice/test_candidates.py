from __future__ import annotations

from dataclasses import replace

import pytest

from dbtui.advice import ddl
from dbtui.advice.candidates import candidates
from dbtui.advice.reading import read
from dbtui.advice.rough import reasoned
from dbtui.advice.search import Policy
from dbtui.advice.weighing import superseded, updated_columns, write_overhead
from dbtui.model.advice import ColumnFacts, Facts, Query, TableFacts
from dbtui.model.catalog import Index

ORDERS = TableFacts(
    "public",
    "orders",
    {
        "id": ColumnFacts("id", "bigint", 8, 1e6),
        "user_id": ColumnFacts("user_id", "integer", 4, 50_000),
        "state": ColumnFacts("state", "text", 6, 4, common={"paid": 0.96, "failed": 0.01}),
        "at": ColumnFacts("at", "timestamp with time zone", 8, 9e5, correlation=0.99),
        "note": ColumnFacts("note", "text", 400, 9e5),
        "amount": ColumnFacts("amount", "numeric", 6, 1000),
        "Käse": ColumnFacts("Käse", "text", 6, 10),
        "doc": ColumnFacts("doc", "jsonb", 100),
    },
    (
        Index("orders_pkey", "", ("id",), unique=True, primary=True, method="btree"),
        Index("orders_user", "", ("user_id",), method="btree"),
    ),
    rows=1e6,
    size=1 << 28,
    inserts=1_000_000,
)


def advised(sql: str, dialect: str = "postgres", table: TableFacts = ORDERS) -> list[str]:
    facts = Facts(dialect, (table,))
    return [ddl.create(one, dialect, name="x") for one in candidates(read(sql, facts), facts)]


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        # equality, then the order
        ("select * from orders where user_id = 5 order by at desc limit 3", "(user_id, at DESC)"),
        # the more selective equality first, then one range
        ("select * from orders where state = 'new' and user_id = 5 and at > now()", "(user_id, state, at)"),
        # all that is read, carried along
        ("select amount from orders where user_id = 5 and at > now()", "(user_id, at) INCLUDE (amount)"),
        # a rare state alone
        ("select * from orders where state = 'failed' and at > now()", "(at) WHERE state = 'failed'"),
        ("select * from orders where lower(state) = 'x'", "((LOWER(state)))"),
        ("select * from orders where state like '%aid%'", "USING gin (state gin_trgm_ops)"),
        ("select * from orders where state like 'pa%'", "(state text_pattern_ops)"),
        ("select * from orders where doc @> '{}'", "USING gin (doc)"),
        ("select * from orders where at > now()", "USING brin (at)"),
        ('select * from orders where "Käse" = $1', '("Käse")'),
        ("select state, count(*) from orders group by 1", "(state)"),
        ("select * from orders o join orders p on p.amount = o.amount", "(amount)"),
    ],
)  # fmt: skip
def test_the_shape_is_among_the_candidates(sql: str, wanted: str) -> None:
    found = advised(sql)
    assert any(one.partition(" public.orders ")[2] == wanted for one in found), found


@pytest.mark.parametrize(
    ("sql", "unwanted"),
    [
        ("select * from orders where user_id = 5", "(user_id)"),  # is there
        ("select * from orders where note = 'x'", "(note)"),  # too wide
        ("select * from orders where user_id = 5 and at > now()", "WHERE"),  # one of thousands
        ("select * from orders where state = 'paid' and at > now()", "WHERE"),  # nearly all
        ("select * from orders where state = 'x' and state like 'x%'", "(state, state"),
        ("select * from orders where doc = '{}'", "(doc)"),
    ],
)
def test_what_would_not_help_is_no_candidate(sql: str, unwanted: str) -> None:
    assert not [one for one in advised(sql) if one.endswith(unwanted) or unwanted in one.partition(")")[2]]


def test_small_tables_need_no_index() -> None:
    small = TableFacts("public", "orders", ORDERS.columns, rows=100, size=8192)
    assert advised("select * from orders where user_id = 5", table=small) == []


def test_other_dialects() -> None:
    plain = TableFacts("", "orders", ORDERS.columns, rows=1e6)
    facts = Facts("mysql", (plain,), search_path=("",))
    sql = "select * from `orders` where user_id = 5 order by at desc limit 3"
    found = [ddl.create(one, "mysql", name="x") for one in candidates(read(sql, facts), facts)]
    assert (
        "CREATE INDEX x ON orders (user_id, `at` DESC)" in found
        or "CREATE INDEX x ON orders (user_id, at DESC)" in found
    )
    assert not any("INCLUDE" in one or "WHERE" in one or "USING" in one for one in found)


def test_a_partitioned_table_cannot_be_indexed_concurrently() -> None:
    facts = Facts("postgres", (ORDERS,))
    (one, *_) = candidates(read("select * from orders where amount = 1", facts), facts)
    assert "CONCURRENTLY" in ddl.create(one, "postgres")
    assert "CONCURRENTLY" not in ddl.create(one, "postgres", partitioned=True)
    assert ddl.drop(one, "postgres") == "DROP INDEX CONCURRENTLY public.orders_amount_idx"


def test_names_are_cut_to_what_the_server_keeps() -> None:
    long = TableFacts("public", "t" * 50, {"c" * 40: ColumnFacts("c" * 40, "int")}, rows=1e6)
    facts = Facts("postgres", (long,))
    (one, *_) = candidates(read(f"select 1 from {'t' * 50} where {'c' * 40} = 5", facts), facts)
    assert len(ddl.index_name(one, "postgres")) == 63


def test_what_it_costs_and_what_it_replaces() -> None:
    facts = Facts("postgres", (ORDERS,))
    found = candidates(read("select * from orders where user_id = 5 order by at limit 3", facts), facts)
    both = next(one for one in found if [key.key for key in one.keys] == ["user_id", "at"])
    assert superseded(both, ORDERS) == ("orders_user",)
    backward = replace(both, keys=tuple(replace(key, descending=True) for key in both.keys))
    assert superseded(backward, ORDERS) == ("orders_user",)
    width = sum(column.width for column in ORDERS.columns.values())
    assert write_overhead(both, ORDERS) == pytest.approx((8 + 12) / (27 + width))


def test_the_columns_that_updates_set() -> None:
    queries = [
        Query("update orders set state = $1, amount = 2 where id = 3"),
        Query("select 1"),
        Query("update ("),
    ]
    assert updated_columns(queries, "postgres") == {"orders": {"state", "amount"}}


def test_no_invisible_index_takes_the_place_of_one_that_may_be_a_foreign_keys_own() -> None:
    """InnoDB drops its own index for one that begins like it, though no statement plans with that."""
    facts = Facts("mysql", (ORDERS,))
    known, new = (
        reasoned([Query(sql)], facts, Policy()).indexes[0]
        for sql in (
            "select * from orders where user_id = 5 order by at limit 3",
            "select * from orders where amount = 5",
        )
    )
    assert known.supersedes == ("orders_user",) and known.verify == ()
    assert new.supersedes == () and new.verify[0].endswith("INVISIBLE")


def test_by_rule_alone_no_index_is_named_where_a_unique_one_finds_the_row() -> None:
    by_id = [Query("select state, count(*) from orders where id = 5 group by state")]
    by_expression = [Query("select * from orders where lower(state) = 'paid'")]
    for dialect, expected in (("mysql", 1), ("mariadb", 0)):
        facts = Facts(dialect, (ORDERS,))
        assert reasoned(by_id, facts, Policy()).indexes == ()
        assert len(reasoned(by_expression, facts, Policy()).indexes) == expected
