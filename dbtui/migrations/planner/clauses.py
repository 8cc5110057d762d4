"""The user's own words of a column's definition, an index, an UPDATE: cut out, never written anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dbtui.migrations.tokens import Token, parts, tokens
from dbtui.model.migration import Engine

_COLUMN_CLAUSES = {
    "CONSTRAINT", "NOT", "NULL", "DEFAULT", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES", "GENERATED", "DEFERRABLE",
    "INITIALLY", "AUTO_INCREMENT", "COMMENT", "FIRST", "AFTER", "AS", "ON", "STORAGE", "COMPRESSION",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnText:
    """`ADD COLUMN name type clauses` in pieces."""

    name: str  # as written, with its quotes
    type: str  # with COLLATE and CHARACTER SET
    clauses: tuple[
        tuple[str, str], ...
    ]  # ("DEFAULT", "DEFAULT 5"), ("CONSTRAINT", …) goes before what it names

    def clause(self, word: str) -> str:
        """The text of a clause, with the CONSTRAINT name that stands before it; "" when there is none."""
        return next((text for kind, text in self.clauses if kind == word), "")


def column_text(text: str, engine: Engine = Engine.POSTGRESQL) -> ColumnText | None:
    """The pieces of an ADD COLUMN action, or None where its form is another."""
    found = list(tokens(text, engine))
    at = 0
    for word in ("ADD", "COLUMN"):
        at += at < len(found) and found[at].upper == word
    if [one.upper for one in found[at : at + 3]] == ["IF", "NOT", "EXISTS"]:
        at += 3
    if at + 1 >= len(found) or found[at].kind not in ("word", "quoted"):
        return None
    name, rest = found[at], found[at + 1 :]
    starts = [
        position for position, depth, token in _levels(rest) if not depth and _opens(rest, position, token)
    ]
    ends = [*starts[1:], len(rest)] if starts else []
    clauses = [
        (rest[a].upper, text[rest[a].start : rest[b - 1].end]) for a, b in zip(starts, ends, strict=True)
    ]
    type_end = starts[0] if starts else len(rest)
    if not type_end:
        return None
    return ColumnText(name.text, text[rest[0].start : rest[type_end - 1].end], tuple(_named(clauses)))


def _opens(rest: list[Token], position: int, token: Token) -> bool:
    """Whether a clause starts here: `NOT NULL` and `ON DELETE SET NULL` are one each."""
    if token.upper not in _COLUMN_CLAUSES:
        return False
    before = rest[position - 1].upper if position else ""
    if token.upper in ("NULL", "DEFAULT") and before in ("NOT", "SET", "DEFAULT", "IS", "BY"):
        return False
    if token.upper in ("ON", "AS", "INITIALLY", "DEFERRABLE"):
        return False
    return token.upper != "NOT" or (position + 1 < len(rest) and rest[position + 1].upper == "NULL")


def _named(clauses: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    name = ""
    for kind, text in clauses:
        if kind == "CONSTRAINT":
            name = text + " "
        else:
            yield kind, name + text
            name = ""


def _levels(found: list[Token]) -> Iterable[tuple[int, int, Token]]:
    depth = 0
    for position, token in enumerate(found):
        depth -= token.text in (")", "]")
        yield position, depth, token
        depth += token.text in ("(", "[")


@dataclass(frozen=True, slots=True)
class IndexText:
    """`CREATE INDEX … ON table … (items) … WHERE predicate` in pieces."""

    items: str  # what stands in the brackets
    before: str  # from USING up to the brackets
    after: str  # from the brackets to WHERE: INCLUDE, WITH, TABLESPACE, NULLS NOT DISTINCT
    where: str  # without the word


def index_text(sql: str, engine: Engine = Engine.POSTGRESQL) -> IndexText | None:
    found = list(tokens(sql, engine))
    on = _first(found, "ON")
    opening = next((p for p, t in enumerate(found) if p > on and t.text == "("), -1)
    if on < 0 or opening < 0:
        return None
    closing = _closing(found, opening)
    using = next((p for p in range(on, opening) if found[p].upper == "USING"), opening)
    where = next(
        (p for p, d, t in _levels(found) if p > closing and not d and t.upper == "WHERE"), len(found)
    )
    return IndexText(
        _text(sql, found[opening + 1 : closing]),
        _text(sql, found[using:opening]),
        _text(sql, found[closing + 1 : where]),
        _text(sql, found[where + 1 :]),
    )


def check_text(sql: str, engine: Engine) -> str:
    """What stands in the brackets of the first CHECK; "" where there is none."""
    found = list(tokens(sql, engine))
    at = _first(found, "CHECK")
    if at < 0 or at + 1 == len(found) or found[at + 1].text != "(":
        return ""
    return _text(sql, found[at + 2 : _closing(found, at + 1)])


@dataclass(frozen=True, slots=True)
class Exclusion:
    """`EXCLUDE USING method (column WITH operator, …) WHERE (predicate)`."""

    elements: tuple[tuple[str, str], ...]  # columns with their quotes, operators
    where: str  # with its brackets


def exclusion(sql: str) -> Exclusion | None:
    """The pieces of an EXCLUDE; None where an element is more than a column."""
    found = list(tokens(sql, Engine.POSTGRESQL))
    at = _first(found, "EXCLUDE")
    opening = next((p for p, t in enumerate(found) if p > at >= 0 and t.text == "("), -1)
    if opening < 0:
        return None
    closing = _closing(found, opening)
    elements = []
    for part in parts(sql, tuple(found[opening + 1 : closing])):
        own = list(tokens(part, Engine.POSTGRESQL))
        with_ = _first(own, "WITH")
        if with_ < 1 or own[0].kind not in ("word", "quoted") or any(t.text == "(" for t in own[:with_]):
            return None
        elements.append((own[0].text, _text(part, own[with_ + 1 :])))
    where = next((p for p in range(closing, len(found)) if found[p].upper == "WHERE"), -1)
    last = _closing(found, where + 1) if where >= 0 else -1
    return Exclusion(tuple(elements), _text(sql, found[where + 1 : last + 1]) if where >= 0 else "")


def _first(found: list[Token], word: str) -> int:
    return next((p for p, d, t in _levels(found) if not d and t.upper == word), -1)


def _closing(found: list[Token], opening: int) -> int:
    depth = 0
    for position in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[position].text, 0)
        if not depth:
            return position
    return len(found) - 1


def _text(sql: str, some: list[Token]) -> str:
    return sql[some[0].start : some[-1].end] if some else ""


def concurrently(sql: str, name: str = "") -> str:
    """CREATE, DROP or REINDEX with CONCURRENTLY after INDEX (or TABLE), and a name where there is none."""
    found = list(tokens(sql, Engine.POSTGRESQL))
    verb = found[0].upper
    at = _first(found, "INDEX")
    if verb == "REINDEX":  # REINDEX [(options)] INDEX|TABLE
        at = next(p for p, d, t in _levels(found) if not d and t.upper in ("INDEX", "TABLE"))
    end = found[at].end
    return f"{sql[:end]} CONCURRENTLY{f' {name}' if name else ''}{sql[end:]}"


def only_parent(sql: str) -> str:
    """CREATE INDEX … ON ONLY table."""
    end = (found := list(tokens(sql, Engine.POSTGRESQL)))[_first(found, "ON")].end
    return f"{sql[:end]} ONLY{sql[end:]}"


@dataclass(frozen=True, slots=True)
class WriteText:
    """A plain UPDATE or DELETE of one table in pieces."""

    verb: str
    assignments: str
    where: str


_NOT_BATCHED = {"FROM", "USING", "RETURNING", "WITH", "ORDER", "LIMIT", "JOIN", "CURRENT"}


def write_text(sql: str, engine: Engine) -> WriteText | None:
    """The pieces of `UPDATE t SET a = 1 WHERE b` or `DELETE FROM t WHERE b`; None for every other form."""
    found = list(tokens(sql, engine))
    levels = [(p, t) for p, depth, t in _levels(found) if not depth]
    verb = found[0].upper if found else ""
    where = next((p for p, t in levels if t.upper == "WHERE"), len(found))
    predicate = _text(sql, found[where + 1 :])
    others = {t.upper for p, t in levels if p > 0}
    if verb == "UPDATE" and not others & _NOT_BATCHED:
        start = _first(found, "SET")
        if _is_name(found[1:start]):
            return WriteText("update", _text(sql, found[start + 1 : where]), predicate)
    plain = verb == "DELETE" and len(found) > 2 and found[1].upper == "FROM" and _is_name(found[2:where])
    if plain and not (others - {"FROM"}) & _NOT_BATCHED:
        return WriteText("delete", "", predicate)
    return None


def _is_name(found: list[Token]) -> bool:
    """Whether tokens are a table's name, with or without its schema, and nothing else: no alias, no ONLY."""
    named = [token for token in found if token.kind in ("word", "quoted")]
    return (len(found) == 1 and len(named) == 1) or (
        len(found) == 3 and len(named) == 2 and found[1].text == "."
    )


def with_column_renamed(sql: str, old: str, new: str) -> str:
    """An expression in which one column has another name; `new` is given with the quotes that it needs."""
    made, position = "", 0
    found = list(tokens(sql, Engine.POSTGRESQL))
    for number, token in enumerate(found):
        name = token.name if token.kind == "quoted" else token.text.lower()
        after = found[number + 1].text if number + 1 < len(found) else ""
        if token.kind in ("word", "quoted") and name == old and after != "(":
            made += sql[position : token.start] + new
            position = token.end
    return made + sql[position:]


def with_columns_of(sql: str, columns: Iterable[str], row: str) -> str:
    """An expression in which bare column names get a row's name before them: `a + 1` is `NEW.a + 1`."""
    known = set(columns)
    found = list(tokens(sql, Engine.POSTGRESQL))
    made, position = "", 0
    for number, token in enumerate(found):
        name = token.name if token.kind == "quoted" else token.text.lower()
        after = found[number + 1].text if number + 1 < len(found) else ""
        before = found[number - 1].text if number else ""
        if (
            token.kind in ("word", "quoted")
            and name in known
            and after not in ("(", ".")
            and before not in (".", "::")
        ):
            made += sql[position : token.start] + f"{row}."
            position = token.start
    return made + sql[position:]
