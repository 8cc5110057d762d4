"""Statements read for how they reach their tables.

sqlglot parses; its scopes say which SELECT reads which tables. Conditions on derived tables, CTEs and views are
carried down to the tables behind them where a column is passed on as it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlglot import exp, parse
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from dbtui.advice.access import Access, Gathering, Sort
from dbtui.advice.conditions import PLACEHOLDER, place
from dbtui.errors import InputError
from dbtui.model.advice import Facts
from dbtui.sql.lex import Lexeme, tokens
from dbtui.text import one_line

_DIALECTS = {"postgres": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
_TOO_LONG = 50_000  # characters; beyond it a statement is data
_VIEWS_DEEP = 5
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it logs what it gives up on


def read(sql: str, facts: Facts) -> tuple[Access, ...]:
    """The accesses of one statement, tables that are not among the facts left out. Raises InputError."""
    reader = Reader(facts)
    with understanding():
        for scope in scopes(sql, facts):
            reader.take(scope)
    return tuple(access for gathering in reader.found.values() for access in gathering.accesses())


def scopes(sql: str, facts: Facts) -> list[Scope]:
    """The SELECTs of a statement, those of the views that it reads among them. Raises InputError."""
    with understanding():
        return traverse_scope(_with_views(_as_select(parsed(sql, facts.dialect)), facts))


def tables(sql: str, dialect: str) -> tuple[tuple[str, str], ...]:
    """Schema ("" where none is said) and name of all that a statement reads or writes. Raises InputError."""
    tree = parsed(sql, dialect)
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    found = ((folded(t.args.get("db")), folded(t.this)) for t in tree.find_all(exp.Table))
    return tuple(dict.fromkeys(pair for pair in found if pair[1] and (pair[0] or pair[1] not in own)))


def parsed(sql: str, dialect: str) -> exp.Expr:
    """The one statement of a text as a tree. Raises InputError."""
    if len(sql) > _TOO_LONG:
        raise InputError("the statement is too long to be read", f"more than {_TOO_LONG} characters")
    text = "".join(_readable(sql[t.start : t.end], t.kind) for t in tokens(sql))
    text = re.sub(
        rf"\b(interval|date|timestamp)\s+({PLACEHOLDER}\(\d+\))", r"cast(\2 as \1)", text, flags=re.I
    )
    with understanding():
        found = [tree for tree in parse(text, read=_DIALECTS[dialect]) if tree is not None]
    if len(found) != 1 or isinstance(found[0], exp.Command):
        raise InputError("that is not one statement", "give one query at a time")
    return found[0]


def _readable(piece: str, kind: Lexeme) -> str:
    """A token as sqlglot reads it, which takes `$1, $` for the start of a text."""
    if kind is Lexeme.PLACEHOLDER:
        return f"{PLACEHOLDER}({piece[1:]})"
    return " " if kind is Lexeme.COMMENT else piece


@contextmanager
def understanding() -> Iterator[None]:
    """Inside, what sqlglot makes nothing of is an InputError."""
    try:
        yield
    except (SqlglotError, RecursionError) as error:
        raise InputError("the statement was not understood", _where(error)) from None


def _where(error: Exception) -> str:
    """The place that a parser stumbled at; its own words speak of its classes."""
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        return f"at {one_line(first['highlight'], 40)!r}, line {first['line']}, column {first['col']}"
    return re.sub(r"\x1b\[\d*m", "", str(error)).split("\n")[0][:160]


def _as_select(tree: exp.Expr) -> exp.Expr:
    """A statement that writes as the SELECT that finds its rows, since scopes leave its target out."""
    if isinstance(tree, exp.Insert | exp.Create):
        inner = tree.expression
        return inner if isinstance(inner, exp.Query) else exp.select("1")
    if isinstance(tree, exp.Update | exp.Delete):
        select = exp.select("*").from_(tree.this.copy())
        sources = tree.args.get("using") or []
        more = tree.args.get("from_") or tree.args.get("from")
        for source in [*sources, *([more.this] if more is not None else [])]:
            select = select.join(source.copy(), join_type="cross")
        if tree.args.get("where") is not None:
            select.set("where", tree.args["where"].copy())
        if tree.args.get("with_") is not None:
            select.set("with_", tree.args["with_"].copy())
        return select
    if isinstance(tree, exp.Merge):
        return (
            exp.select("*").from_(tree.this.copy()).join(tree.args["using"].copy(), on=tree.args["on"].copy())
        )
    return tree


def _with_views(tree: exp.Expr, facts: Facts) -> exp.Expr:
    """Views replaced by their queries."""
    if not facts.views:
        return tree
    tree = tree.copy()
    for _ in range(_VIEWS_DEEP):
        changed = False
        for table in list(tree.find_all(exp.Table)):
            text = _view(table, facts)
            if text is not None:
                alias = table.alias or table.name
                table.replace(
                    exp.Subquery(
                        this=parsed(text, facts.dialect), alias=exp.TableAlias(this=exp.to_identifier(alias))
                    )
                )
                changed = True
        if not changed:
            break
    return tree


def _view(table: exp.Table, facts: Facts) -> str | None:
    schema, name = folded(table.args.get("db")), folded(table.this)
    places = (schema,) if schema else facts.search_path
    return next((facts.views[place_, name] for place_ in places if (place_, name) in facts.views), None)


def folded(identifier: object) -> str:
    """A name as PostgreSQL folds it; the facts of the others are in lower case."""
    if not isinstance(identifier, exp.Identifier):
        return ""
    return str(identifier.this) if identifier.quoted else str(identifier.this).lower()


class Reader:
    """Gathers, over all scopes of a statement, what is asked of each table in it."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._places_nulls = facts.dialect == "postgres"  # the others have one place for them
        self.found: dict[int, Gathering] = {}  # by the identity of the table in the tree

    def take(self, scope: Scope) -> None:
        select = scope.expression
        if not isinstance(select, exp.Select):
            return
        self._columns(scope, select)
        for condition, side in _conditions(select):
            self._condition(scope, condition, side)
        self._order(scope, select)

    # ---- whose column

    def owner(self, scope: Scope, column: exp.Column) -> tuple[Gathering, str] | None:
        """The table behind a column, through derived tables, and its name there."""
        name, qualifier = folded(column.this), folded(column.args.get("table"))
        if self.facts.dialect != "postgres":  # elsewhere no quotes keep the case of a column apart
            name = name.lower()
        for alias, (_, source) in scope.selected_sources.items():
            if qualifier and alias.lower() != qualifier.lower():
                continue
            if isinstance(source, exp.Table):
                known = self.facts.find(folded(source.args.get("db")), folded(source.this))
                if known is not None and name in known.columns:
                    made = Gathering(known.schema, known.name)
                    return self.found.setdefault(id(source), made), name
            elif isinstance(source.expression, exp.Select):
                inner = _projected(source.expression, name)
                if inner is not None and (found := self.owner(source, inner)) is not None:
                    return found
        return None

    # ---- the parts of a SELECT

    def _columns(self, scope: Scope, select: exp.Select) -> None:
        for column in scope.columns:
            if isinstance(column.this, exp.Star):
                continue
            if (owner := self.owner(scope, column)) is not None and owner[0].selected is not None:
                owner[0].selected.add(owner[1])
        if any(
            isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))
            for item in select.expressions
        ):
            for _, source in scope.selected_sources.values():
                if isinstance(source, exp.Table):
                    known = self.facts.find(folded(source.args.get("db")), folded(source.this))
                    if known is not None:
                        self.found.setdefault(id(source), Gathering(known.schema, known.name)).selected = None

    def _condition(self, scope: Scope, condition: exp.Expr, side: str | None) -> None:
        for conjunct in _conjuncts(condition):
            if isinstance(conjunct, exp.Or):
                self._disjunction(scope, conjunct)
                continue
            if isinstance(conjunct, exp.EQ | exp.NullSafeEQ) and self._join(scope, conjunct, side):
                continue
            if side is None and self._is_of_nobody(scope, conjunct):
                continue
            for gathering, kind, term in place(conjunct, lambda column: self.owner(scope, column)):
                if side is None or self._is_side(scope, gathering, side):
                    getattr(gathering, kind).append(term)

    def _is_of_nobody(self, scope: Scope, conjunct: exp.Expr) -> bool:
        """Whether it is the IS NULL of an anti join, which is true where the other table has no row to be found."""
        if not isinstance(conjunct, exp.Is) or not isinstance(conjunct.expression, exp.Null):
            return False
        owner = self.owner(scope, conjunct.this) if isinstance(conjunct.this, exp.Column) else None
        left = [join for join in scope.expression.args.get("joins") or () if join.args.get("side") == "LEFT"]
        return owner is not None and any(
            self._is_side(scope, owner[0], join.this.alias_or_name) for join in left
        )

    def _is_side(self, scope: Scope, gathering: Gathering, side: str) -> bool:
        """Whether a table is the one that an outer join may leave out: only there its condition filters."""
        source = scope.selected_sources.get(side)
        return source is not None and self.found.get(id(source[1])) is gathering

    def _join(self, scope: Scope, equality: exp.Expr, side: str | None) -> bool:
        """An equality of columns of two tables, or with one of an outer query."""
        ends = [equality.this, equality.expression]
        if not all(isinstance(end, exp.Column) for end in ends):
            return False
        owners = [self.owner(scope, end) for end in ends]
        for own, other, far in ((owners[0], owners[1], ends[1]), (owners[1], owners[0], ends[0])):
            if own is None or (other is not None and own[0] is other[0]):
                continue
            if side is None or self._is_side(scope, own[0], side):
                partner = str(id(other[0])) if other is not None else f"outer {far.sql()}"
                own[0].joins.setdefault(partner, []).append(own[1])
        return any(owners)

    def _disjunction(self, scope: Scope, disjunction: exp.Or) -> None:
        for branch in disjunction.flatten():
            by_table: dict[int, tuple[Gathering, tuple[list[object], list[object]]]] = {}
            for conjunct in _conjuncts(branch):
                for gathering, kind, term in place(conjunct, lambda column: self.owner(scope, column)):
                    if kind in ("equal", "ranges"):
                        parts = by_table.setdefault(id(gathering), (gathering, ([], [])))[1]
                        parts[kind == "ranges"].append(term)
            for gathering, parts in by_table.values():
                gathering.branches.append(parts)  # type: ignore[arg-type]

    def _order(self, scope: Scope, select: exp.Select) -> None:
        limited = select.args.get("limit") is not None
        ordered = select.args["order"].expressions if select.args.get("order") else []
        keys = self._sorts(scope, select, _window(scope) or ordered)
        group = select.args.get("group")
        grouped = self._sorts(scope, select, group.expressions) if group is not None else []
        distinct = select.args.get("distinct")
        if distinct is not None and group is None:
            on = distinct.args.get("on")
            grouped = self._sorts(scope, select, on.expressions if on is not None else select.expressions)
        if owner := _one_owner(grouped):
            owner.groups.extend(sort.key for _, sort in grouped if sort.column)
        if (owner := _one_owner(keys)) and group is None:
            owner.order, owner.limited = [sort for _, sort in keys], limited
        elif group is None and len(select.expressions) == 1 and not keys:
            self._extreme(scope, select.expressions[0].unalias())

    def _extreme(self, scope: Scope, item: exp.Expr) -> None:
        """MIN(column) or MAX(column) alone is the first row of an order."""
        if not isinstance(item, exp.Min | exp.Max) or not isinstance(item.this, exp.Column):
            return
        if (owner := self.owner(scope, item.this)) is not None:
            owner[0].order, owner[0].limited = [Sort(owner[1], isinstance(item, exp.Max))], True

    def _sorts(
        self, scope: Scope, select: exp.Select, items: Sequence[exp.Expr]
    ) -> list[tuple[Gathering | None, Sort]]:
        """The keys of ORDER BY, GROUP BY or DISTINCT with their tables, None for what no index orders."""
        found: list[tuple[Gathering | None, Sort]] = []
        for item in items:
            descending = bool(item.args.get("desc")) if isinstance(item, exp.Ordered) else False
            nulls = item.args.get("nulls_first") if isinstance(item, exp.Ordered) else None
            key = _output(select, item.this if isinstance(item, exp.Ordered) else item)
            if isinstance(key, exp.Column) and (owner := self.owner(scope, key)) is not None:
                if constant_here(owner[0], owner[1]):
                    continue
                first = (
                    nulls
                    if self._places_nulls and isinstance(nulls, bool) and nulls is not descending
                    else None
                )
                found.append((owner[0], Sort(owner[1], descending, first)))
            else:
                found.append((None, Sort("")))
        return found


def constant_here(gathering: Gathering, column: str) -> bool:
    """Whether a column has one value in all rows that are left, so that ordering by it says nothing."""
    return any(term.key == column and not term.many for term in gathering.equal)


def _one_owner(keys: Sequence[tuple[Gathering | None, Sort]]) -> Gathering | None:
    owners = {id(owner) for owner, _ in keys}
    return keys[0][0] if len(owners) == 1 else None


def _conditions(select: exp.Select) -> Iterator[tuple[exp.Expr, str | None]]:
    """WHERE and the ONs; with an outer join's, the alias of the table that it may leave out."""
    where = select.args.get("where")
    if where is not None:
        yield where.this, None
    for join in select.args.get("joins") or ():
        side = str(join.args.get("side") or "").upper()
        if side in ("FULL", "RIGHT"):
            continue
        alias = join.this.alias_or_name
        if join.args.get("on") is not None:
            yield join.args["on"], alias if side == "LEFT" else None
        for name in join.args.get("using") or ():
            left = select.args["from_"].this.alias_or_name
            yield (
                exp.EQ(this=exp.column(name.name, left), expression=exp.column(name.name, alias)),
                (alias if side == "LEFT" else None),
            )


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        for part in condition.flatten():
            yield from _conjuncts(part)
    else:
        yield condition


def _projected(select: exp.Select, name: str) -> exp.Column | None:
    """The column that a derived table passes on under a name; through GROUP BY only what is grouped by."""
    for item in select.expressions:
        inner = item.unalias()
        if isinstance(inner, exp.Star):
            return exp.column(name)
        if item.alias_or_name.lower() == name and isinstance(inner, exp.Column):
            group = select.args.get("group")
            if group is None or any(_output(select, key).sql() == inner.sql() for key in group.expressions):
                return inner
    return None


def _window(scope: Scope) -> list[exp.Expr]:
    """What the first window function has its rows sorted by, which comes before the order of the result."""
    for window in scope.find_all(exp.Window):
        order = window.args.get("order")
        keys = [*(window.args.get("partition_by") or ()), *(order.expressions if order is not None else ())]
        if keys:
            return keys
    return []


def _output(select: exp.Select, key: exp.Expr) -> exp.Expr:
    """What a sort key stands for: a place in the list, an alias, or itself."""
    listed: list[exp.Expr] = select.expressions
    if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.this) <= len(listed):
        return listed[int(key.this) - 1].unalias()
    if isinstance(key, exp.Column) and not key.table:
        for item in listed:
            if isinstance(item, exp.Alias) and item.alias.lower() == key.name.lower():
                return item.unalias()
    return key
