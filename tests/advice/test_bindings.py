"""Which column each parameter of a statement is compared with."""

from __future__ import annotations

import pytest

from dbtui.advice.bindings import bindings
from dbtui.model.advice import ColumnFacts, Facts, TableFacts


def _table(name: str, *columns: str) -> TableFacts:
    return TableFacts("", name, {column: ColumnFacts(column, "int") for column in columns})


FACTS = Facts(
    "mysql",
    (_table("Orders", "id", "customer", "status", "at"), _table("customers", "id", "name")),
    search_path=("",),
)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT * FROM orders WHERE status = $1 AND $2 < at", ["1 Orders.status =", "2 Orders.at >"]),
        (
            "SELECT * FROM `Orders` o JOIN customers c ON c.id = o.`Customer`"
            " WHERE c.name = $1 OR o.at BETWEEN $2 AND $3",
            ["1 customers.name =", "2 Orders.at >=", "3 Orders.at <="],
        ),
        (
            "SELECT * FROM customers c WHERE EXISTS (SELECT 1 FROM Orders o WHERE o.customer = c.id AND status = $1)",
            ["1 Orders.status ="],
        ),
        (
            "SELECT n FROM (SELECT name n, id FROM customers) x WHERE n = $1 AND id + 1 = $2 LIMIT $3",
            ["1 customers.name ="],
        ),
        ("UPDATE orders SET status = $1 WHERE id = $2", ["2 Orders.id ="]),
        ("DELETE FROM orders WHERE at < $1", ["1 Orders.at <"]),
        (
            "SELECT * FROM orders WHERE status IN ($1, $2) AND id NOT IN ($3) OR status LIKE $4",
            ["1 Orders.status =", "2 Orders.status =", "3 Orders.id =", "4 Orders.status like"],
        ),
        ("SELECT $1", []),
    ],
)
def test_a_parameter_is_told_by_what_it_is_compared_with(sql: str, found: list[str]) -> None:
    told = [f"{one.number} {one.place} {one.operator}" for one in bindings(sql, FACTS)]
    assert [one.lower() for one in told] == [one.lower() for one in found]
