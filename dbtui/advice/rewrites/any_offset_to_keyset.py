"""OFFSET as a condition on the last row of the page before.

`… ORDER BY at, id LIMIT 20 OFFSET 1000` becomes `… WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT 20`.

Why: OFFSET reads and throws away all rows before the page. With an index on the sort keys, the condition begins
where the page before has ended, however far in that is.
Conditions: one table; the sort keys are its columns; together they are unique, or the primary key, added as the
last of them, makes them so (that only settles an order which was open before). The caller keeps the keys of the
last row that it has shown, and pages are walked in order; rows that come and go meanwhile neither shift a page nor
show twice, which with OFFSET they do.
NULLs: a comparison with NULL is never true, so that rows without a key would be lost: all keys must be NOT NULL in
the catalog.
Source: https://use-the-index-luke.com/no-offset
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from dbtui.advice.conditions import PLACEHOLDER
from dbtui.advice.reading import folded
from dbtui.advice.rewrites.subject import Offer, Refused, Subject, shaped, unique
from dbtui.model.advice import TableFacts
from dbtui.model.finding import Severity

SEVERITY = Severity.INFO
_Key = tuple[exp.Column, bool]  # and whether it descends


def check(subject: Subject) -> Iterator[Offer | Refused]:
    """An offer for a statement with OFFSET, ordered by columns."""
    offset = subject.select.args.get("offset")
    if offset is None or offset.expression.sql() == "0":
        return
    keys = _keys(subject.select)
    reason = _refusal(subject, keys)
    if reason:
        yield Refused(reason)
        return
    (_, table), *_ = subject.sources(subject.select).values()
    assert table is not None
    index = unique(table, {folded(column.this) for column, _ in keys})
    added = [] if index else _primary(table, keys)
    index = index or unique(table, {folded(column.this) for column, _ in [*keys, *added]})
    if not index:
        yield Refused("rows can agree in all sort keys, and there is no primary key to tell them apart")
    elif any(table.columns[folded(column.this)].nullable for column, _ in [*keys, *added]):
        yield Refused("a sort key may be NULL, and such rows would be lost: NOT NULL would allow it")
    else:
        yield _offer(subject, [*keys, *added], index, bool(added))


def _keys(select: exp.Select) -> list[_Key]:
    """The sort keys; none where one is no column."""
    order = select.args.get("order")
    found: list[_Key] = []
    for item in order.expressions if order is not None else ():
        key = item.this
        if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.this) <= len(select.expressions):
            key = select.expressions[int(key.this) - 1].unalias()
        elif isinstance(key, exp.Column) and not key.table:
            aliased = [one.this for one in select.expressions if one.alias and one.alias == key.name]
            key = aliased[0] if aliased else key
        if not isinstance(key, exp.Column) or isinstance(key.this, exp.Star):
            return []
        found.append((key, bool(item.args.get("desc"))))
    return found


def _refusal(subject: Subject, keys: Sequence[_Key]) -> str:
    rows = subject.select.copy()
    for part in ("limit", "offset"):
        rows.set(part, None)
    if shape := shaped(rows):
        return f"the statement has {shape}"
    sources = list(subject.sources(subject.select).values())
    if len(sources) != 1 or sources[0][1] is None:
        return "it does not read exactly one known table"
    if not keys:
        return "without ORDER BY on columns, a page has no end to go on from"
    if any(folded(column.this) not in sources[0][1].columns for column, _ in keys):
        return "it is ordered by a column that is not known"
    return ""


def _primary(table: TableFacts, keys: Sequence[_Key]) -> list[_Key]:
    """The primary key's columns that are no sort keys yet, in the direction of the last one."""
    primary = next((index.columns for index in table.indexes if index.primary), ())
    known = {folded(column.this) for column, _ in keys}
    new = [name for name in primary if name not in known and name in table.columns]
    return [(exp.column(name, quoted=not name.isidentifier() or None), keys[-1][1]) for name in new]


def _offer(subject: Subject, keys: Sequence[_Key], index: str, added: bool) -> Offer:
    select = subject.select.copy()
    select.set("offset", None)
    values = _placeholders(select, keys, subject.facts.dialect)
    select = select.where(_after(keys, values, rows=subject.facts.dialect in ("postgres", "sqlite")))
    if added:
        order = select.args["order"]
        for column, descending in keys[len(order.expressions) :]:
            first = descending is (
                subject.facts.dialect == "postgres"
            )  # where its NULLs are unless it is told
            order.append("expressions", exp.Ordered(this=column.copy(), desc=descending, nulls_first=first))
    names = ", ".join(column.name for column, _ in keys)
    shown = [subject.text(value) for value in values]
    return Offer(
        select,
        (f"{index} lets no two rows agree in {names}", f"{names}: NOT NULL"),
        (
            f"{', '.join(f'{v} is {c.name}' for v, (c, _) in zip(shown, keys, strict=True))} of the last row shown",
        ),
    )


def _placeholders(select: exp.Select, keys: Sequence[_Key], dialect: str) -> list[exp.Expr]:
    """One for each key, by its name; PostgreSQL wants numbers without a gap."""
    if dialect != "postgres":
        return [exp.Placeholder(this=f"last_{column.name}") for column, _ in keys]
    taken = {
        int(call.expressions[0].name)
        for call in select.find_all(exp.Anonymous)
        if call.name.lower() == PLACEHOLDER
    }
    free = [number for number in range(1, len(taken) + len(keys) + 1) if number not in taken]
    return [exp.Anonymous(this=PLACEHOLDER, expressions=[exp.Literal.number(n)]) for n in free[: len(keys)]]


def _after(keys: Sequence[_Key], values: Sequence[exp.Expr], *, rows: bool) -> exp.Expr:
    """What holds for the rows after the one with these values."""
    one_way = len({descending for _, descending in keys}) == 1
    if rows and one_way:
        compare = exp.LT if keys[0][1] else exp.GT
        sides = ([column.copy() for column, _ in keys], [value.copy() for value in values])
        left, right = (side[0] if len(side) == 1 else exp.Tuple(expressions=side) for side in sides)
        return compare(this=left, expression=right)
    branches = []
    for at, (column, descending) in enumerate(keys):
        same = [
            exp.EQ(this=key.copy(), expression=value.copy())
            for (key, _), value in zip(keys[:at], values[:at], strict=True)
        ]
        compare = exp.LT if descending else exp.GT
        branches.append(exp.and_(*same, compare(this=column.copy(), expression=values[at].copy())))
    return exp.or_(*branches)
