"""Which column each parameter of a statement is compared with, where no plan tells it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from dbtui.advice.conditions import PLACEHOLDER
from dbtui.advice.reading import Reader, scopes, understanding
from dbtui.model.advice import Facts
from dbtui.model.sweep import Parameter

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NullSafeEQ: "=",
    exp.LT: "<",
    exp.GT: ">",
    exp.LTE: "<=",
    exp.GTE: ">=",
    exp.Like: "like",
}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def bindings(sql: str, facts: Facts) -> tuple[Parameter, ...]:
    """The column of each `$n` that a statement compares with one of a table. Raises InputError."""
    reader = Reader(facts)
    found: dict[int, Parameter] = {}
    with understanding():
        for scope in scopes(sql, facts):
            for column, operator, number in _comparisons(scope):
                if (owner := reader.owner(scope, column)) is not None:
                    table, name = owner
                    found.setdefault(number, Parameter(number, table.schema, table.table, name, operator))
    return tuple(found[number] for number in sorted(found))


def _comparisons(scope: Scope) -> Iterator[tuple[exp.Column, str, int]]:
    for comparison in scope.find_all(*_OPERATORS, exp.Between, exp.In):
        if isinstance(comparison, exp.In):
            sides = [(comparison.this, "=", value) for value in comparison.expressions]
        elif isinstance(comparison, exp.Between):
            sides = [
                (comparison.this, ">=", comparison.args["low"]),
                (comparison.this, "<=", comparison.args["high"]),
            ]
        else:
            operator = _OPERATORS[type(comparison)]
            left, right = comparison.this, comparison.expression
            sides = [(left, operator, right), (right, _TURNED.get(operator, operator), left)]
        for column, operator, value in sides:
            number = _number(value)
            if isinstance(column, exp.Column) and number is not None:
                yield column, operator, number


def _number(value: exp.Expr) -> int | None:
    """The number of a placeholder, as `reading.parsed` writes it, also under a cast."""
    value = value.this if isinstance(value, exp.Cast) else value
    if isinstance(value, exp.Anonymous) and value.name.lower() == PLACEHOLDER:
        return int(value.expressions[0].name)
    return None
