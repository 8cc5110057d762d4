"""The text of a CREATE TABLE of SQLite with one change made in it; every other word stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from dbtui.migrations.tokens import Token, parts, tokens
from dbtui.model.migration import Engine

_ENGINE = Engine.SQLITE
_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}
_CLAUSES = {
    "CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableText:
    """`CREATE TABLE name (items) tail`."""

    items: tuple[str, ...]
    tail: str  # STRICT, WITHOUT ROWID

    def create(self, name: str) -> str:
        body = ",\n  ".join(self.items)
        return f"CREATE TABLE {name} (\n  {body}\n){f' {self.tail}' if self.tail else ''}"


def table_text(sql: str) -> TableText | None:
    """The parts of a CREATE TABLE, or None where it is of another form (AS SELECT, virtual)."""
    found = list(tokens(sql, _ENGINE))
    opening = next((p for p, t in enumerate(found) if t.text == "("), -1)
    words = [t.upper for t in found[:opening]]
    if opening < 0 or "TABLE" not in words or "VIRTUAL" in words or "AS" in words:
        return None
    depth, closing = 0, len(found) - 1
    for position in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[position].text, 0)
        if not depth:
            closing = position
            break
    items = parts(sql, tuple(found[opening + 1 : closing]))
    tail = sql[found[closing + 1].start : found[-1].end] if closing + 1 < len(found) else ""
    return TableText(items, tail)


def column_of(item: str) -> str:
    """The column that an item defines; "" for a constraint."""
    found = list(tokens(item, _ENGINE))
    return "" if not found or found[0].upper in _CONSTRAINTS else found[0].name


def is_generated(item: str) -> bool:
    """Whether an item's values are computed, so that none can be given."""
    words = [t.upper for t in tokens(item, _ENGINE)]
    return ("AS", "(") in pairwise(words)


def is_autoincrement(item: str) -> bool:
    return any(t.upper == "AUTOINCREMENT" for t in tokens(item, _ENGINE))


def altered(text: TableText, sql: str) -> TableText | None:
    """The table after an ALTER TABLE; None where the change is of a form that is not known here."""
    found = list(tokens(sql, _ENGINE))
    words = [t.upper for t in found]
    at = next((p for p, w in enumerate(words) if p > 2 and w in ("ADD", "DROP", "ALTER")), -1)
    if at < 0:
        return None
    rest = found[at + 1 :]
    verb = words[at]
    if verb == "ADD":
        return _added(text, sql, rest)
    if verb == "DROP":
        return _dropped(text, rest)
    if rest[0].upper == "COLUMN":
        rest = rest[1:]
    return _changed(text, sql, rest)


def _added(text: TableText, sql: str, rest: list[Token]) -> TableText | None:
    if rest[0].upper in _CONSTRAINTS:
        return TableText((*text.items, sql[rest[0].start : rest[-1].end]), text.tail)
    if rest[0].upper == "COLUMN":
        rest = rest[1:]
    columns = [item for item in text.items if column_of(item)]
    others = [item for item in text.items if not column_of(item)]
    return TableText((*columns, sql[rest[0].start : rest[-1].end], *others), text.tail)


def _dropped(text: TableText, rest: list[Token]) -> TableText | None:
    if rest[0].upper == "CONSTRAINT":
        kept = tuple(i for i in text.items if not _is_constraint(i, rest[1].name))
        return TableText(kept, text.tail) if len(kept) < len(text.items) else None
    name = (rest[1] if rest[0].upper == "COLUMN" else rest[0]).name
    kept = tuple(item for item in text.items if column_of(item).casefold() != name.casefold())
    return TableText(kept, text.tail) if len(kept) < len(text.items) else None


def _is_constraint(item: str, name: str) -> bool:
    found = list(tokens(item, _ENGINE))
    named = len(found) > 1 and found[0].upper == "CONSTRAINT"
    return named and found[1].name.casefold() == name.casefold()


def _changed(text: TableText, sql: str, rest: list[Token]) -> TableText | None:
    """ALTER COLUMN name [SET DATA] TYPE type | SET NOT NULL | DROP NOT NULL | SET DEFAULT value | DROP DEFAULT."""
    name, what = rest[0].name, [t.upper for t in rest[1:]]
    items = list(text.items)
    place = next((p for p, i in enumerate(items) if column_of(i).casefold() == name.casefold()), -1)
    if place < 0:
        return None
    item = items[place]
    if what[:2] == ["SET", "NOT"]:
        items[place] = f"{_without(item, ('NOT', 'NULL'))} NOT NULL"
    elif what[:2] == ["DROP", "NOT"]:
        items[place] = _without(item, ("NOT", "NULL"))
    elif what[:2] == ["SET", "DEFAULT"]:
        items[place] = f"{_without(item, ('DEFAULT',))} DEFAULT {sql[rest[3].start : rest[-1].end]}"
    elif what[:2] == ["DROP", "DEFAULT"]:
        items[place] = _without(item, ("DEFAULT",))
    elif "TYPE" in what:
        start = rest[what.index("TYPE") + 2]
        items[place] = _with_type(item, sql[start.start : rest[-1].end])
    else:
        return None
    return TableText(tuple(items), text.tail)


def _clause(found: list[Token], position: int) -> int:
    """Where the clause that starts here ends."""
    depth = 0
    for at in range(position + 1, len(found)):
        if (
            not depth
            and found[at].upper in _CLAUSES
            and found[at - 1].upper not in ("NOT", "CONSTRAINT", "DEFAULT")
        ):
            return at
        depth += {"(": 1, ")": -1}.get(found[at].text, 0)
    return len(found)


def _without(item: str, words: tuple[str, ...]) -> str:
    """A column's definition without one of its clauses."""
    found = list(tokens(item, _ENGINE))
    for at in range(1, len(found)):
        if tuple(t.upper for t in found[at : at + len(words)]) == words:
            end = at + 2 if words == ("NOT", "NULL") else _clause(found, at)
            before = item[: found[at].start].rstrip()
            after = item[found[end].start :] if end < len(found) else ""
            return f"{before} {after}".strip()
    return item


def _with_type(item: str, kind: str) -> str:
    found = list(tokens(item, _ENGINE))
    end = next((p for p in range(1, len(found)) if found[p].upper in _CLAUSES), len(found))
    rest = f" {item[found[end].start :]}" if end < len(found) else ""
    return f"{found[0].text} {kind}{rest}"
