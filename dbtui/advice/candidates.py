"""Which indexes could serve an access: equality columns first, then the order, then at most one range.

The shapes are those of the field's standard advice (https://use-the-index-luke.com/sql/where-clause and
/sql/sorting-grouping): A equality and order, B equality and range, C join and equality, D the same with all columns
that are read, E only the rows of one common condition, F on an expression, G of another kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from dbtui.advice.access import Access, Sort, Term
from dbtui.model.advice import ColumnFacts, Facts, TableFacts

FEWEST_ROWS = 500  # below, a scan is as fast
SMALLEST = 1 << 20  # bytes, likewise
WIDEST_COVERED = 256  # bytes of columns that are carried along
_WIDE_KEY = 40  # bytes of a text that is no good key
_RARE = 0.10  # share of rows of a value worth an index of its own
_FEW_VALUES, _MANY = 50, 1e9  # different values of a column that holds states; of one that nobody counted
_IN_ORDER = 0.9  # correlation from which block ranges tell rows apart
_MOST_KEYS = 6
_TEXTS = ("text", "character varying", "varchar", "character", "char", "citext", "name", "bpchar")
_CONTAINERS = ("jsonb", "tsvector", "[]")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an index."""

    key: str
    descending: bool = False
    nulls_first: bool | None = None
    operators: str = ""
    column: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """An index that nobody has made. Equal candidates are the same index."""

    schema: str
    table: str
    keys: tuple[Key, ...]
    include: tuple[str, ...] = ()
    predicate: str = ""
    method: str = "btree"
    equal: int = 0  # how many of the first keys are only compared for equality, so that their order is free

    @property
    def path(self) -> tuple[str, str]:
        return self.schema, self.table


def candidates(accesses: Iterable[Access], facts: Facts) -> tuple[Candidate, ...]:
    """All that could serve the accesses and is not there yet, the plainest first."""
    found: dict[Candidate, None] = {}
    for access in accesses:
        table = facts.find(access.schema, access.table)
        if table is None or table.rows < FEWEST_ROWS or 0 < table.size < SMALLEST:
            continue
        for candidate in _of(access, table, facts):
            usable = _usable(candidate, table)
            if usable is not None and not _is_there(usable, table):
                found[usable] = None
    return tuple(found)


def _of(access: Access, table: TableFacts, facts: Facts) -> Iterator[Candidate]:
    equal = sorted(access.equal, key=lambda term: (term.many, _share(term, table)))
    plain: list[Candidate] = []
    for terms in _distinct_sets(equal, access, table):
        plain += _btrees(terms, access, facts)
    yield from plain
    for candidate in plain:
        yield from _covering(candidate, access, table)
    if facts.dialect in ("postgres", "sqlite"):
        yield from _partial(equal, access, table, facts)
    if facts.dialect == "postgres":
        yield from _others(access, table, facts)


def _distinct_sets(equal: Sequence[Term], access: Access, table: TableFacts) -> Iterator[tuple[Term, ...]]:
    """All conditions of equality; those without expressions; the most selective alone; with each join's columns."""
    sets = [tuple(equal), tuple(term for term in equal if term.column and not term.many), tuple(equal[:1])]
    for columns in access.joins:
        joined = tuple(Term(column) for column in columns)
        rest = tuple(term for term in equal if term.key not in columns)
        sets += [joined, rest + joined, joined + rest]
    every = tuple(Term(column) for columns in access.joins for column in columns)
    if len(access.joins) > 1:
        sets.append(tuple(dict.fromkeys(every)))
    seen: dict[tuple[str, ...], None] = {}
    for terms in sets:
        names = tuple(dict.fromkeys(term.key for term in terms))
        if names not in seen:
            seen[names] = None
            yield tuple(next(term for term in terms if term.key == name) for name in names)


def _btrees(equal: tuple[Term, ...], access: Access, facts: Facts) -> list[Candidate]:
    head = tuple(_key(term, facts) for term in equal)
    taken = {key.key for key in head}
    order = tuple(_sorted(sort) for sort in access.order if sort.key not in taken)
    groups = tuple(Key(name) for name in access.groups if name not in taken)
    ranges = [_key(term, facts) for term in access.ranges if term.key not in taken]
    tails: list[tuple[Key, ...]] = [()]
    if order and not any(term.many for term in equal):
        tails.append(order)
        tails += [(*order, key) for key in ranges if key.key not in {sort.key for sort in order}][:1]
    tails += [(key,) for key in dict.fromkeys(ranges)][:3]
    if groups:
        tails.append(groups)
    path = access.schema, access.table
    return [Candidate(*path, (head + tail)[:_MOST_KEYS], equal=len(head)) for tail in tails if head or tail]


def _covering(candidate: Candidate, access: Access, table: TableFacts) -> Iterator[Candidate]:
    """The same with all else that is read, so that the table is not visited."""
    if access.selected is None:
        return
    keys = {key.key for key in candidate.keys}
    rest = tuple(name for name in table.columns if name in access.selected and name not in keys)
    width = sum(table.columns[name].width for name in rest)
    if rest and width <= WIDEST_COVERED and len(rest) <= 8:
        yield replace(candidate, include=rest)


def _partial(equal: Sequence[Term], access: Access, table: TableFacts, facts: Facts) -> Iterator[Candidate]:
    """Only the rows of a rare value, or of a NULL, that the statement names itself."""
    for term in equal:
        if not _names_rows_of_a_kind(term, table):
            continue
        rest = tuple(other for other in equal if other is not term)
        predicate = _condition(term)
        for candidate in _btrees(rest, access, facts) or [
            Candidate(access.schema, access.table, (Key(_narrowest(table)),))
        ]:
            yield replace(candidate, predicate=predicate)


def _names_rows_of_a_kind(term: Term, table: TableFacts) -> bool:
    """Whether a value stands for a rare state, not for one of thousands that another call would name."""
    column = table.columns.get(term.key)
    if column is None or term.value is None or _share(term, table) > _RARE:
        return False
    return term.value in ("NULL", "TRUE", "FALSE") or (column.distinct or _MANY) <= _FEW_VALUES


def _condition(term: Term) -> str:
    column = quoted(term.key)
    if term.value == "NULL":
        return f"{column} IS NULL"
    return {"TRUE": column, "FALSE": f"NOT {column}"}.get(term.value or "", f"{column} = {term.value}")


def _narrowest(table: TableFacts) -> str:
    primary = next((index for index in table.indexes if index.primary), None)
    return primary.columns[0] if primary else min(table.columns.values(), key=lambda c: c.width).name


def _others(access: Access, table: TableFacts, facts: Facts) -> Iterator[Candidate]:
    """GIN for what is contained, trigrams for patterns, block ranges for what lies in order."""
    for special in access.special:
        column = table.columns.get(special.key)
        if special.operators == "gin_trgm_ops":
            if column is None or column.type.partition("(")[0] not in _TEXTS:
                continue
        elif column is not None and not column.type.endswith(_CONTAINERS):
            continue
        key = Key(special.key, operators=special.operators, column=column is not None)
        yield Candidate(*table.path, (key,), method=special.method)
    for term in access.ranges:
        known = table.columns.get(term.key)
        if known is None or known.correlation is None or abs(known.correlation) < _IN_ORDER:
            continue
        if table.deletes == 0 and table.updates <= table.inserts * 0.01:  # it goes on lying in order
            yield Candidate(*table.path, (Key(term.key),), method="brin")


def _usable(candidate: Candidate, table: TableFacts) -> Candidate | None:
    """A candidate without what no index takes; None where nothing is left."""
    if candidate.method != "btree":
        return candidate
    keys = []
    for key in candidate.keys:
        column = table.columns.get(key.key) if key.column else None
        if column is not None and not _is_key(column):
            break
        keys.append(key)
    if not keys:
        return None
    return replace(candidate, keys=tuple(keys), equal=min(candidate.equal, len(keys)))


def _is_key(column: ColumnFacts) -> bool:
    kind = column.type.partition("(")[0]
    if kind.endswith(_CONTAINERS) or kind in ("json", "xml", "point", "bytea"):
        return False
    return column.width <= _WIDE_KEY or kind not in _TEXTS


def _is_there(candidate: Candidate, table: TableFacts) -> bool:
    """Whether an index does the same already: its keys begin like these, and it has all rows."""
    wanted = [key.key for key in candidate.keys]
    for index in table.indexes:
        if not index.valid or index.method not in ("", candidate.method) or candidate.include:
            continue
        if index.predicate and _bare(index.predicate) != _bare(candidate.predicate):
            continue
        have = [column.split(" ")[0].strip('"`') for column in index.columns]
        directions = [" desc" in column.lower() for column in index.columns]
        if have[: len(wanted)] == wanted and _same_order(candidate, directions):
            return True
    return False


def _same_order(candidate: Candidate, directions: Sequence[bool]) -> bool:
    """Whether keys behind the equalities run the same way, or all the other way."""
    free = candidate.equal
    pairs = {
        key.descending == have for key, have in zip(candidate.keys[free:], directions[free:], strict=False)
    }
    return len(pairs) <= 1


def _bare(predicate: str) -> str:
    return re.sub(r"::[\w ]+|[()\s\"]", "", predicate).lower()


def _share(term: Term, table: TableFacts) -> float:
    """The share of the rows that a condition of equality leaves, 0 to 1."""
    column = table.columns.get(term.key)
    if column is None:
        return 0.005  # PostgreSQL's own guess for an expression (DEFAULT_EQ_SEL)
    if term.value == "NULL":
        return column.null_share
    value = (term.value or "").strip("'")
    if value in column.common:
        return column.common[value]
    if term.value in ("TRUE", "FALSE"):
        return column.common.get("t" if term.value == "TRUE" else "f", 0.5)
    rest = max(0.0, 1.0 - sum(column.common.values()) - column.null_share)
    others = (column.distinct or 200) - len(column.common)
    return rest / others if others >= 1 and term.value is not None else 1 / max(1.0, column.distinct or 200)


def _key(term: Term, facts: Facts) -> Key:
    pattern = term.text and facts.dialect == "postgres" and not facts.sorts_by_bytes
    return Key(term.key, operators="text_pattern_ops" if pattern else "", column=term.column)


def _sorted(sort: Sort) -> Key:
    return Key(sort.key, sort.descending, sort.nulls_first, column=sort.column)


def quoted(name: str, mark: str = '"') -> str:
    """An identifier as it has to be written: bare where that means the same."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _RESERVED:
        return name
    return mark + name.replace(mark, mark * 2) + mark


_WORDS = """all and any array as asc both case check column constraint create desc distinct do else end except from for
grant group having in index into is join key leading left like limit not null offset on or order primary references
right select table then to union unique update user using values when where window with"""
_RESERVED = frozenset(_WORDS.split())
