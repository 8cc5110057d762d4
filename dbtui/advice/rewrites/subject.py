"""The statement that rewrites look at, and whose column is whose in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from dbtui.advice.conditions import PLACEHOLDER
from dbtui.advice.reading import folded, parsed
from dbtui.model.advice import ColumnFacts, Facts, TableFacts

_WRITE = {"postgres": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
_UNSETTLED = (
    exp.Rand,
    exp.Randn,
    exp.Uuid,
    exp.GenerateSeries,
    exp.ExplodingGenerateSeries,
    exp.UDTF,
    exp.Explode,
    exp.TableSample,
)
_SHAPING = ("group", "having", "limit", "offset", "qualify", "windows", "locks", "connect", "into")


@dataclass(frozen=True, slots=True)
class Offer:
    """A rewritten tree, what the catalog has shown for it, and what else has to hold."""

    tree: exp.Expr
    proven: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The form fits, and a condition does not hold or is not known to."""

    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column comes from: the source's name in the statement, and its facts where it is a known table."""

    alias: str
    written: exp.Expr  # the same as it stands there
    table: TableFacts | None
    column: ColumnFacts | None


@dataclass(frozen=True, slots=True)
class Subject:
    """One SELECT. Rewrites work on copies of `select`."""

    select: exp.Select
    facts: Facts

    def sources(self, select: exp.Select) -> dict[str, tuple[exp.Expr, TableFacts | None]]:
        """What a SELECT reads by its names there, with the facts of those that are known tables."""
        found: dict[str, tuple[exp.Expr, TableFacts | None]] = {}
        ctes = {folded(cte.args["alias"].this) for cte in self.select.find_all(exp.CTE)}
        from_ = select.args.get("from_")
        items = [from_.this] if from_ is not None else []
        for source in [*items, *(join.this for join in select.args.get("joins") or ())]:
            table = None
            if isinstance(source, exp.Table) and (source.args.get("db") or folded(source.this) not in ctes):
                table = self.facts.find(folded(source.args.get("db")), folded(source.this))
            found[folded(identifier(source))] = (source, table)
        return found

    def place(self, column: exp.Column, select: exp.Select) -> Place | None:
        """Where a column of a SELECT comes from; None for one of an outer query, or where it cannot be told."""
        name, qualifier = folded(column.this), folded(column.args.get("table"))
        sources = self.sources(select)
        if qualifier:
            named = [qualifier] if qualifier in sources else []
        elif all(table is not None for _, table in sources.values()):
            named = [alias for alias, (_, table) in sources.items() if table and name in table.columns]
        else:
            named = list(sources) if len(sources) == 1 and select.parent_select is None else []
        if len(named) != 1 or isinstance(column.this, exp.Star):
            return None
        source, table = sources[named[0]]
        facts = table.columns.get(name) if table is not None else None
        return Place(named[0], identifier(source), table, facts)

    def never_null(self, column: exp.Expr, select: exp.Select) -> bool:
        """Whether WHERE or the catalog promises that a column is never NULL in the rows that the SELECT returns."""
        where = select.args.get("where")
        if where is not None and any(_drops_null(part, column) for part in conjuncts(where.this)):
            return True
        if not isinstance(column, exp.Column) or any(join.side for join in select.args.get("joins") or ()):
            return False
        place = self.place(column, select)
        return place is not None and place.column is not None and not place.column.nullable

    def text(self, tree: exp.Expr) -> str:
        """A tree as the server reads it."""
        sql = tree.sql(_WRITE[self.facts.dialect], pretty=True)
        return re.sub(rf"\b{PLACEHOLDER}\((\d+)\)", r"$\1", sql, flags=re.I)


def subject(sql: str, facts: Facts) -> Subject | None:
    """A statement to be rewritten; None for what is no SELECT. Raises InputError."""
    tree = parsed(sql, facts.dialect)
    return Subject(tree, facts) if isinstance(tree, exp.Select) else None


def identifier(source: exp.Expr) -> exp.Expr:
    """The name of a source in its SELECT, as it is written."""
    given = source.args.get("alias")
    named: exp.Expr = given.this if isinstance(given, exp.TableAlias) else source.this
    return named


def qualified(column: exp.Column, place: Place) -> exp.Column:
    """The same column with its source's name, so that it means the same further inside."""
    return exp.Column(this=column.this.copy(), table=place.written.copy())


def conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a condition that all have to hold, without their parentheses."""
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        for part in condition.flatten():
            yield from conjuncts(part)
    else:
        yield condition


def _drops_null(part: exp.Expr, column: exp.Expr) -> bool:
    """Whether a condition is `column IS NOT NULL`."""
    negated = isinstance(part, exp.Not)
    test = part.this.unnest() if negated else part
    is_null = isinstance(test, exp.Is) and isinstance(test.expression, exp.Null) and test.this == column
    return is_null and negated is not bool(test.args.get("negate"))


def own(tree: exp.Expr, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
    """The nodes of these kinds in a tree, those inside of a nested query left out."""
    for node in tree.walk(prune=lambda node: node is not tree and isinstance(node, exp.Query)):
        if isinstance(node, kinds) and not isinstance(node, exp.Query):
            yield node


def shaped(select: exp.Select) -> str:
    """What makes a SELECT more than a filter of joined rows: "GROUP BY", "LIMIT", …; "" where nothing does."""
    for part in _SHAPING:
        if select.args.get(part):
            return "GROUP BY" if part == "group" else part.upper()
    if select.args.get("distinct"):
        return "DISTINCT"
    for item in select.expressions:
        if next(own(item, exp.AggFunc, exp.Window), None) is not None:
            return "an aggregate"
        if not settled(item):
            return "a function that may be an aggregate, return rows or change its mind"
    return ""


def settled(tree: exp.Expr) -> bool:
    """Whether it says the same however often it is evaluated: nothing random, no function of unknown kind."""
    return not any(
        isinstance(node, _UNSETTLED) or (isinstance(node, exp.Anonymous) and node.name.lower() != PLACEHOLDER)
        for node in tree.walk()
    )


def unique(table: TableFacts, columns: set[str]) -> str:
    """The index that lets no two rows agree in these columns, none of them NULL; "" without one."""
    for index in table.indexes:
        keys = set(index.columns)
        whole = index.predicate is None and " where " not in index.definition.lower()
        if (index.unique or index.primary) and index.valid and whole and keys and keys <= columns:
            return index.name
    return ""
