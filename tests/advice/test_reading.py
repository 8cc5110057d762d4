from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.advice.access import Access
from dbtui.advice.reading import read, tables
from dbtui.errors import InputError
from dbtui.model.advice import ColumnFacts, Facts, TableFacts

COLUMNS = {
    "orders": {"id": "bigint", "user_id": "integer", "state": "text", "at": "timestamp", "amount": "numeric",
               "doc": "jsonb", "open": "boolean"},
    "users": {"id": "integer", "name": "text", "email": "text", "city": "text"},
    "items": {"order_id": "bigint", "sku": "text", "price": "numeric"},
}  # fmt: skip
FACTS = Facts(
    "postgres",
    tuple(
        TableFacts(
            "public", name, {c: ColumnFacts(c, kind) for c, kind in columns.items()}, rows=1e6, size=1 << 30
        )
        for name, columns in COLUMNS.items()
    ),
    views={("public", "paid"): "SELECT o.id, o.user_id, o.at FROM orders o WHERE o.state = 'paid'"},
)


def access(sql: str, table: str = "orders") -> Access:
    """The one access of a statement to a table."""
    (found,) = (one for one in read(sql, FACTS) if one.table == table)
    return found


def equal(sql: str, table: str = "orders") -> list[str]:
    return [term.key for term in access(sql, table).equal]


def ranges(sql: str, table: str = "orders") -> list[str]:
    return [term.key for term in access(sql, table).ranges]


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("state = 'paid'", ["state"]),
        ("$1 = state", ["state"]),
        ("state is null", ["state"]),
        ("state in ('a', 'b')", ["state"]),
        ("state = any ($1)", ["state"]),
        ("state in ($1 /*, ... */)", ["state"]),
        ("open", ["open"]),
        ("not open", ["open"]),
        ("open is true", ["open"]),
        ("lower(state) = 'paid'", ["LOWER(state)"]),
        ("state is not distinct from 'x'", ["state"]),
        ("state <> 'paid'", []),
        ("state = amount", []),
        ("random() < amount and id = 1", ["id"]),
    ],
)
def test_equality(where: str, keys: list[str]) -> None:
    assert equal(f"select id from orders where {where}") == keys


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("at > now() - interval $1", ["at"]),
        ("at between $1 and $2", ["at"]),
        ("10 < amount", ["amount"]),
        ("state like 'pa%'", ["state"]),
        ("state like '%pa%'", []),
    ],
)
def test_ranges(where: str, keys: list[str]) -> None:
    assert ranges(f"select id from orders where {where}") == keys


def test_what_only_another_kind_of_index_serves() -> None:
    found = access("select 1 from users where name ilike '%smith%'", "users").special
    assert [(one.key, one.method, one.operators) for one in found] == [("name", "gin", "gin_trgm_ops")]
    assert access("select 1 from orders where doc @> $1").special[0].method == "gin"


def test_a_join_is_seen_from_both_sides() -> None:
    sql = "select u.name from orders o join users u on u.id = o.user_id where u.city = 'x'"
    assert access(sql).joins == (("user_id",),)
    assert access(sql, "users").joins == (("id",),)
    assert equal(sql, "users") == ["city"]


def test_using_and_comma_joins() -> None:
    assert access("select 1 from orders o, users u where u.id = o.user_id").joins == (("user_id",),)
    assert access("select 1 from orders join users using (id)", "users").joins == (("id",),)


def test_the_kept_side_of_an_outer_join_is_not_filtered_by_its_condition() -> None:
    sql = "select 1 from orders o left join users u on u.id = o.user_id and u.city = 'x' and o.state = 'y'"
    assert equal(sql, "users") == ["city"]
    assert not [one for one in read(sql, FACTS) if one.table == "orders" and one.equal]


def test_subqueries_join_on_the_columns_of_the_outer_query() -> None:
    sql = (
        "select 1 from orders o where exists (select 1 from items i where i.order_id = o.id and i.sku = 'x')"
    )
    assert access(sql, "items").joins == (("order_id",),)
    assert equal(sql, "items") == ["sku"]
    assert access("select 1 from orders where user_id in (select id from users where city = 'x')").joins == (
        ("user_id",),
    )


def test_conditions_go_through_derived_tables_ctes_and_views() -> None:
    assert equal("select 1 from (select id, user_id as buyer from orders) d where d.buyer = 5") == ["user_id"]
    assert equal("with d as (select * from orders) select 1 from d where state = 'x'") == ["state"]
    assert sorted(equal("select * from paid where user_id = 5")) == ["state", "user_id"]
    grouped = (
        "select * from (select user_id, count(*) n from orders group by 1) d where user_id = 5 and n > 3"
    )
    assert equal(grouped) == ["user_id"]


def test_order_limit_groups_and_extremes() -> None:
    found = access("select id from orders where user_id = 5 order by at desc, 1 limit 3")
    assert [(one.key, one.descending) for one in found.order] == [("at", True), ("id", False)]
    assert found.limited
    assert access("select state, count(*) from orders group by 1").groups == ("state",)
    assert access("select max(at) from orders").limited
    assert access("select at as t from orders order by t").order[0].key == "at"
    constant = access("select id from orders where user_id = 5 order by user_id, at")
    assert [one.key for one in constant.order] == ["at"]


def test_the_columns_that_are_read() -> None:
    assert access("select id, amount from orders where state = 'x'").selected == {"id", "amount", "state"}
    assert access("select * from orders where state = 'x'").selected is None


def test_each_branch_of_an_or_is_an_access() -> None:
    found = read("select id from orders where (user_id = 1 or state = 'x') and open", FACTS)
    assert [[term.key for term in one.equal] for one in found] == [["open"], ["user_id"], ["state"]]


@pytest.mark.parametrize(
    "sql",
    [
        "update orders set amount = 1 where state = 'x'",
        "delete from orders where state = 'x'",
        "delete from orders using users u where u.id = orders.user_id and state = 'x'",
        "insert into items select id, 'x', 1 from orders where state = 'x'",
        "update orders set amount = 1 from users u where u.id = user_id and orders.state = 'x'",
    ],
)
def test_statements_that_write_find_their_rows_too(sql: str) -> None:
    assert equal(sql) == ["state"]


def test_the_tables_of_a_statement() -> None:
    sql = 'with d as (select 1) select * from d, app.orders, "Users" where exists (select 1 from items)'
    assert tables(sql, "postgres") == (("app", "orders"), ("", "Users"), ("", "items"))


@pytest.mark.parametrize("sql", ["", "vacuum", "select 1; select 2", "select (", "x" * 60_000])
def test_what_is_not_one_statement_is_refused(sql: str) -> None:
    with pytest.raises(InputError):
        read(sql, FACTS)


@given(st.text(alphabet="()'\"$selctfromwhd,=*;- \n\x00é", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        read(f"select * from orders where {text}", FACTS)


def test_the_missing_row_of_an_anti_join_is_no_condition_on_the_table() -> None:
    sql = (
        "select u.id from users u left join orders o on o.user_id = u.id and o.amount > 9 where o.id is null"
    )
    assert equal(sql) == [] and ranges(sql) == ["amount"]
    assert equal(f"{sql} and o.state = 'paid'") == ["state"]
    assert equal("select 1 from users u join orders o on o.user_id = u.id where o.state is null") == ["state"]


def test_a_window_wants_its_rows_in_its_own_order() -> None:
    ranked = "select *, row_number() over (partition by user_id order by at desc) n from orders"
    assert [(sort.key, sort.descending) for sort in access(ranked).order] == [
        ("user_id", False),
        ("at", True),
    ]
    numbered = "select count(*) over (), id from orders order by at"
    assert [sort.key for sort in access(numbered).order] == ["at"]
