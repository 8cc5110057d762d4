"""The statistics doctor: why the planner misjudged a plan's rows, and the statement that would mend it.

For each of the deepest misjudged nodes the planner itself is asked, by EXPLAIN, what it expects of each condition
alone, and a sample of the table is counted to see what is true. What differs alone is a column's matter (age,
distinct values, skew, an expression); what differs only together is a matter of columns that depend on each
other. All of it only reads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dbtui.commands.server_plans import explain_on
from dbtui.engines.base import Engine, HasStatistics
from dbtui.errors import DbtuiError, QueryError, QueryTimeout, UsageError
from dbtui.model.diagnosis import Cause, Diagnosis, Remedy
from dbtui.model.plan import Plan, PlanNode
from dbtui.model.statistics import ColumnStatistics, Counted, Statistics, TableStatistics
from dbtui.rules.migration.step import quoted
from dbtui.rules.plan.any_row_misestimate import deepest
from dbtui.rules.plan.conditions import Compared, compared_alone, conjuncts, statistics_for, tables_of
from dbtui.rules.plan.tree import Tree, name, ratio, text
from dbtui.text import count

NODES = 5  # that are looked into
LEAST, MANY = (
    3.0,
    100.0,
)  # factor between rows and estimate, and rows in play, from which on a node is misjudged
OFF = 2.0  # a factor from which on a share counts as misjudged
_OUTSIDE = ("$", "SubPlan", "InitPlan", "hashed ")  # what a condition takes from elsewhere


@dataclass(frozen=True, slots=True)
class _Part:
    """One condition of a node: the share of the table that meets it, as expected and in truth."""

    expected: float
    true: float
    compared: Compared | None  # where it compares one column or expression with a value

    @property
    def misjudged(self) -> bool:
        return _factor(self.expected, self.true) >= OFF


@dataclass(frozen=True, slots=True)
class _Case:
    """A scan that was misjudged, and what was found out about its table."""

    node: PlanNode
    table: TableStatistics
    known_rows: float  # as the planner takes the table to have now
    counted: Counted
    parts: tuple[_Part, ...]

    @property
    def rows(self) -> float:
        """The rows that the table has, as the sample tells."""
        return max(1.0, self.counted.rows / self.counted.share)

    def column(self, part: _Part) -> ColumnStatistics | None:
        """The column that a condition compares; None where it compares an expression, or nothing."""
        return None if part.compared is None else self.table.columns.get(part.compared.column)

    def with_shares(self, shares: Sequence[float]) -> float:
        """The planner's estimate for these shares, which it multiplies."""
        return max(1.0, self.rows * math.prod(shares))


async def diagnose(engine: Engine, plan: Plan, *, database: str = "") -> tuple[Diagnosis, ...]:
    """A diagnosis of each of the deepest misjudged nodes of a measured plan.

    Raises UsageError for a plan of estimates and for an engine whose statistics cannot be asked for.
    """
    if not plan.analyzed:
        raise UsageError("the plan has estimates only", "measure it: --analyze")
    if not isinstance(engine, HasStatistics):
        raise UsageError(
            "the doctor looks into PostgreSQL's statistics only",
            "on MySQL and MariaDB the finding my-row-misestimate names the histogram to make",
        )
    tree = Tree(plan)
    doctor = _Doctor(engine, engine.statistics, database)
    return tuple([await doctor.see(tree.nodes[at], tree) for at, _ in deepest(tree, LEAST, MANY)[:NODES]])


class _Doctor:
    def __init__(self, engine: Engine, statistics: Statistics, database: str) -> None:
        self.engine, self.statistics, self.database = engine, statistics, database

    async def see(self, node: PlanNode, tree: Tree) -> Diagnosis:
        """The diagnosis of one node; what the server refuses becomes a note."""
        notes: list[str] = []
        remedies: tuple[Remedy, ...] = ()
        try:
            if node.relation:
                remedies = await self._scan(node, notes)
            elif node.operation == "Aggregate" and "Group Key" in node.raw:
                remedies = await self._groups(node, tree, notes)
            else:
                notes.append("statistics describe tables; this node joins or filters the output of others")
        except DbtuiError as error:
            notes.append(str(error))
        if not remedies and not notes:
            notes.append("every condition is estimated well alone and together: the error may be chance")
        share = node.processes  # each process has its part, in the estimate and in truth
        return Diagnosis(
            node.id,
            node.label,
            (node.estimated_rows or 0.0) * share,
            (node.rows or 0.0) * share,
            remedies,
            tuple(notes),
        )

    async def _expected(self, node: PlanNode, condition: str) -> float:
        """The rows that the planner expects of a table under one condition."""
        alias = quoted(str(node.raw.get("Alias") or node.raw["Relation Name"]))
        where = f" WHERE {condition}" if condition else ""
        sql = f"SELECT 1 FROM {name(node)} AS {alias}{where}"  # noqa: S608 - the server's own words
        plan = await explain_on(self.engine, sql, database=self.database)
        return plan.nodes[0].estimated_rows or 1.0

    async def _scan(self, node: PlanNode, notes: list[str]) -> tuple[Remedy, ...]:
        schema, relation = str(node.raw.get("Schema") or "public"), str(node.raw["Relation Name"])
        table = await self.statistics.table(schema, relation, database=self.database)
        if table is None:
            raise QueryError(f"{relation} has no statistics", "only tables have them")
        conditions, left_out = _conditions(node)
        notes += [f"not tested, since it takes values from elsewhere: {one}" for one in left_out]
        alias = str(node.raw.get("Alias") or relation)
        counted = await self.statistics.count(schema, relation, alias, conditions, database=self.database)
        known = await self._expected(node, "")
        parts = [
            _Part(ratio(await self._expected(node, one), known), ratio(met, counted.rows), compared_alone(one))
            for one, met in zip(conditions, counted.each, strict=True)
        ]  # fmt: skip
        case = _Case(node, table, known, counted, tuple(parts))
        if not counted.rows:
            notes.append("the sample of the table has no rows")
        if counted.share < 1.0:
            notes.append(f"counted over a sample of {counted.share * 100:.2g} % of the table")
        if _stale(case) is not None:
            notes.append("what else is wrong with its columns shows after that: ask again")
        found = [_stale(case), *[await self._alone(case, part) for part in parts], await self._together(case)]
        return tuple(remedy for remedy in found if remedy is not None)

    async def _alone(self, case: _Case, part: _Part) -> Remedy | None:
        """What is wrong with one condition alone. Of a column that is to be analyzed, nothing is known yet."""
        if not part.misjudged:
            return None
        compared, column = part.compared, case.column(part)
        if compared is None or column is None:
            return _expression(case, part)
        if _stale(case) is not None:
            return None
        if compared.operator == "=" and (wrong := await self._distinct(case, part, column)) is not None:
            return wrong
        return await self._skewed(case, part, column, compared)

    async def _distinct(self, case: _Case, part: _Part, column: ColumnStatistics) -> Remedy | None:
        """Whether the rest of the values is shared out among too few or too many."""
        if column.distinct is None:
            return None
        table = case.table
        there = await self.statistics.distinct(
            table.schema, table.name, [quoted(column.name)], database=self.database
        )
        if _factor(column.distinct, there) < OFF:
            return None
        rest = 1.0 - column.null_share - sum(share for _, share in column.common)
        share = max(0.0, rest) / max(1.0, there - len(column.common))
        if _factor(share, part.true) >= _factor(part.expected, part.true):
            return None  # true, and no help for this value
        setting = f"-{there / case.rows:.4g}" if there > 0.1 * case.rows else f"{there:.0f}"
        return Remedy(
            Cause.DISTINCT,
            f"{column.name} has {count(there)} different values, and the planner thinks of {count(column.distinct)}",
            (
                f"ALTER TABLE {name(case.node)} ALTER COLUMN {quoted(column.name)} SET (n_distinct = {setting});",
                f"ANALYZE {name(case.node)};",
            ),
            _replaced(case, part, share),
            {"distinct": there, "known_distinct": column.distinct},
        )

    async def _skewed(self, case: _Case, part: _Part, column: ColumnStatistics, compared: Compared) -> Remedy:
        """The value is frequent and not among those kept, or the histogram is too coarse for it."""
        table = case.table
        rank = len(column.bounds)
        if compared.operator == "=":
            rank = await self.statistics.rank(
                table.schema, table.name, compared.expression, compared.value, database=self.database
            )
        target = min(10_000, max(2 * column.target, math.ceil(rank * 1.2 / 100) * 100))
        what = f"a value of {column.name} that is number {rank} by frequency" if compared.operator == "=" else (
            f"a range of {column.name}"
        )  # fmt: skip
        return Remedy(
            Cause.SKEWED,
            f"{what} has {part.true * 100:.3g} % of the rows, and the planner thinks of {part.expected * 100:.3g} %:"
            f" {len(column.common)} common values are kept",
            (
                f"ALTER TABLE {name(case.node)} ALTER COLUMN {quoted(column.name)} SET STATISTICS {target};",
                f"ANALYZE {name(case.node)};",
            ),
            _replaced(case, part, part.true),
            {"share": part.true, "expected_share": part.expected, "target": float(target)},
        )

    async def _together(self, case: _Case) -> Remedy | None:
        """Conditions that are right alone and wrong together: the planner multiplies their shares."""
        columns = _correlated(case)
        if not columns:
            return None
        table = case.table
        try:
            many = await self.statistics.distinct(table.schema, table.name, columns, database=self.database)
        except QueryTimeout:
            many = case.rows
        together = ratio(case.counted.all, case.counted.rows)
        multiplied = math.prod(part.true for part in case.parts)
        return Remedy(
            Cause.CORRELATED,
            f"{', '.join(columns)} are met together by {together * 100:.3g} % of the rows;"
            f" multiplied they would be by {multiplied * 100:.3g} %",
            statistics_for(case.node, columns, combinations=many),
            max(1.0, case.rows * together),
            {"together": together, "multiplied": multiplied, "combinations": many},
        )

    async def _groups(self, node: PlanNode, tree: Tree, notes: list[str]) -> tuple[Remedy, ...]:
        """Groups by columns of one table: as many as it has different combinations."""
        tables = [one for one in tree.nodes[node.id :] if one.relation and node in tree.ancestors(one)]
        keys = [str(key) for key in node.raw["Group Key"]]
        if len({one.relation for one in tables}) != 1:
            notes.append("the groups come from several tables, and no statistics cover those together")
            return ()
        scan = tables[0]
        bare = [key.removeprefix(f"{scan.raw.get('Alias')}.") for key in keys]
        schema, relation = str(scan.raw.get("Schema") or "public"), str(scan.raw["Relation Name"])
        there = await self.statistics.distinct(schema, relation, bare, database=self.database)
        if _factor(there, node.estimated_rows or 1.0) < OFF:
            return ()
        listed = ", ".join(bare)
        if len(bare) > 1:
            because = f"({listed}) has {count(there)} combinations, and the planner multiplied its columns"
            return (Remedy(Cause.CORRELATED, because, statistics_for(scan, bare), there, {"groups": there}),)
        table = await self.statistics.table(schema, relation, database=self.database)
        if table is None or bare[0].strip('"') not in table.columns:
            because = f"{listed} gives {count(there)} different values, of which nothing is known"
            return (
                Remedy(Cause.EXPRESSION, because, _of_expression(scan, bare[0]), there, {"groups": there}),
            )
        because = f"{listed} has {count(there)} different values"
        sql = (
            f"ALTER TABLE {name(scan)} ALTER COLUMN {bare[0]} SET (n_distinct = {there:.0f});",
            f"ANALYZE {name(scan)};",
        )
        return (Remedy(Cause.DISTINCT, because, sql, there, {"distinct": there}),)


def _conditions(node: PlanNode) -> tuple[list[str], list[str]]:
    """The conditions of a scan that can be asked about alone, and those that take values from elsewhere."""
    keys = ("Recheck Cond", "Filter") if "Recheck Cond" in node.raw else ("Index Cond", "Filter")
    parts = [part for key in keys for part in conjuncts(text(node, key))]
    alias = str(node.raw.get("Alias") or node.raw["Relation Name"])
    apart = [part for part in parts if any(mark in part for mark in _OUTSIDE) or _foreign(part, alias)]
    return [part for part in parts if part not in apart], apart


def _foreign(condition: str, alias: str) -> bool:
    return bool(tables_of(condition) - {alias, quoted(alias)})


def _stale(case: _Case) -> Remedy | None:
    """Statistics that are old explain every condition that is misjudged, and the size of the table."""
    grown = _factor(case.known_rows, case.rows) >= 1.5 and case.counted.share >= 1.0
    unknown = any(_is_news(case, part) for part in case.parts)
    if not (case.table.stale or grown or unknown):
        return None
    of_columns = [part for part in case.parts if case.column(part) is not None]
    if not (grown or unknown or any(part.misjudged for part in of_columns)):
        return None
    changed = f"{count(case.table.changed)} rows were written since then"
    since = (
        f"analyzed at {case.table.analyzed[:16]}, and {changed if case.table.changed else 'changed since'}"
    )
    return Remedy(
        Cause.STALE,
        since if case.table.analyzed else "the table was never analyzed",
        (f"ANALYZE {name(case.node)};",),
        case.with_shares([part.true if part in of_columns else part.expected for part in case.parts]),
        {"changed": float(case.table.changed), "known_rows": case.known_rows, "rows": case.rows},
    )


def _is_news(case: _Case, part: _Part) -> bool:
    """Whether a value has more of the table than the statistics leave for all values that they do not name."""
    compared, column = part.compared, case.column(part)
    if compared is None or column is None or compared.operator != "=" or column.distinct is None:
        return False
    rest = 1.0 - column.null_share - sum(share for _, share in column.common)
    return part.misjudged and part.true > OFF * max(0.001, rest)


def _expression(case: _Case, part: _Part) -> Remedy | None:
    """A function or cast: without statistics of its results the planner takes a constant share."""
    compared = part.compared
    if compared is None:
        return None
    return Remedy(
        Cause.EXPRESSION,
        f"nothing is known of {compared.expression}: the planner takes {part.expected * 100:.3g} % of the rows,"
        f" and it is {part.true * 100:.3g} %",
        _of_expression(case.node, compared.expression),
        _replaced(case, part, part.true),
        {"share": part.true, "expected_share": part.expected},
    )


def _of_expression(node: PlanNode, expression: str) -> tuple[str, ...]:
    """Statistics on an expression (version 14 and later); before, an index on it gives them."""
    called = quoted(f"{node.raw.get('Relation Name')}_expression_stx"[:63])
    return (f"CREATE STATISTICS {called} ON ({expression}) FROM {name(node)};", f"ANALYZE {name(node)};")


def _correlated(case: _Case) -> list[str]:
    """The columns that are met together far more or less often than their shares multiplied say.

    None where the planner has statistics of just these columns.
    """
    together = ratio(case.counted.all, case.counted.rows)
    columns = list(
        dict.fromkeys(
            part.compared.expression
            for part in case.parts
            if part.compared is not None and part.compared.column in case.table.columns
        )
    )
    if len(columns) < 2 or not together or _factor(together, math.prod(p.true for p in case.parts)) < OFF:
        return []
    names = {column.strip('"') for column in columns}
    return [] if any(names <= known for _, known in case.table.extended) else columns


def _replaced(case: _Case, wrong: _Part, share: float) -> float:
    """The estimate of the node where one condition's share is right and the others stay as expected."""
    return case.with_shares([share if part is wrong else part.expected for part in case.parts])


def _factor(one: float, other: float) -> float:
    """How many times two figures differ; tiny shares count as one row in a million."""
    one, other = max(1e-6, one), max(1e-6, other)
    return max(one / other, other / one)
