"""Columns, types, keys and constraints of MySQL, MariaDB and SQLite, word by word."""

from __future__ import annotations

from dataclasses import replace

from dbtui.migrations.tokens import Token, tokens
from dbtui.migrations.words import Words
from dbtui.model.migration import (
    ColumnDef,
    ConstraintDef,
    DataType,
    Default,
    Engine,
    IndexDef,
    Relation,
    Volatility,
)

_TYPE_ALIASES = {
    "integer": "int", "bool": "tinyint", "boolean": "tinyint", "dec": "decimal", "numeric": "decimal",
    "character": "char", "int4": "int", "int8": "bigint", "int2": "smallint", "real": "double",
}  # fmt: skip
_TWO_WORDS = {("DOUBLE", "PRECISION"), ("CHARACTER", "VARYING"), ("LONG", "VARCHAR"), ("NATIONAL", "CHAR"),
              ("NATIONAL", "VARCHAR"), ("CHAR", "VARYING")}  # fmt: skip
_END_OF_TYPE = {
    "NOT", "NULL", "DEFAULT", "AUTO_INCREMENT", "AUTOINCREMENT", "UNIQUE", "PRIMARY", "KEY", "COMMENT", "COLLATE",
    "REFERENCES", "CHECK", "CONSTRAINT", "GENERATED", "AS", "ON", "FIRST", "AFTER", "INVISIBLE", "VISIBLE", ",", ")",
    "VIRTUAL", "STORED", "PERSISTENT", "STORAGE", "COLUMN_FORMAT", "SRID", "",
}  # fmt: skip
_NO_COLUMN = {
    "NULL", "TRUE", "FALSE", "INTERVAL", "DAY", "MONTH", "YEAR", "HOUR", "MINUTE", "SECOND", "WEEK", "AND", "OR",
    "NOT", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "AS", "DIV", "MOD",
}  # fmt: skip
# Computed once for all rows, as measured on MariaDB, which counts RAND() among them.
_STABLE = {
    "NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP", "CURDATE", "CURTIME",
    "UNIX_TIMESTAMP", "FROM_UNIXTIME", "RAND", "FLOOR", "CONCAT", "LOWER", "UPPER", "JSON_ARRAY", "JSON_OBJECT",
    "CONNECTION_ID", "CURRENT_USER", "CURRENT_ROLE", "USER", "VERSION", "DATABASE", "SCHEMA",
}  # fmt: skip


def read_type(words: Words) -> DataType:
    """A type with its length, sign and character set. SQLite may leave it out."""
    if words.next.upper in _END_OF_TYPE:
        return DataType("")
    name = words.name().lower()
    second = words.next.upper
    if (name.upper(), second) in _TWO_WORDS:
        words.token()
        name = "double" if name == "double" else "varchar"
    elif words.engine is Engine.SQLITE:
        while words.next.kind == "word" and words.next.upper not in _END_OF_TYPE:
            name = f"{name} {words.name().lower()}"
    name = _TYPE_ALIASES.get(name, name) if words.engine is not Engine.SQLITE else name
    inside = words.items() if words.ahead("(") else ()
    made = DataType(name, members=inside) if name in ("enum", "set") else DataType(name, inside)
    while attribute := words.take_any(
        "UNSIGNED", "ZEROFILL", "SIGNED", "BINARY", "CHARACTER", "CHARSET", "ASCII"
    ):
        if attribute == "UNSIGNED":
            made = replace(made, unsigned=True)
        elif attribute in ("CHARACTER", "CHARSET"):
            words.take("SET")
            made = replace(made, charset=words.name().lower())
    return made


def read_column(words: Words) -> ColumnDef:
    """A column's definition from its name on, up to a comma, bracket or position."""
    start = words.at
    name = words.name()
    column = ColumnDef(name, read_type(words))
    if words.engine is not Engine.SQLITE and column.type.name == "serial":
        column = replace(column, type=DataType("bigint", unsigned=True), not_null=True, serial=True)
    return replace(read_definition(words, column), text=words.since(start))


def read_definition(words: Words, column: ColumnDef) -> ColumnDef:
    """The attributes after a column's type."""
    constraints: list[ConstraintDef] = []
    while not words.done and words.next.text not in (",", ")"):
        made = _attribute(words, column, constraints)
        if made is None:
            break
        column = made
    return replace(column, constraints=tuple(constraints))


def _attribute(words: Words, column: ColumnDef, constraints: list[ConstraintDef]) -> ColumnDef | None:
    """One attribute; None when what comes next is none."""
    if words.take("CONSTRAINT"):
        if words.next.upper not in ("CHECK", "PRIMARY", "UNIQUE", "NOT", "REFERENCES", "DEFAULT", "NULL"):
            words.name()
        return column
    if words.take("NOT", "NULL"):
        _on_conflict(words)
        return replace(column, not_null=True)
    if words.take("NULL"):
        return replace(column, not_null=False)
    if words.take("DEFAULT"):
        return replace(column, default=read_default(words))
    if words.take_any("AUTO_INCREMENT", "AUTOINCREMENT"):
        return replace(column, serial=True)
    if words.take("PRIMARY", "KEY") or words.take("PRIMARY"):
        words.take_any("ASC", "DESC")
        _on_conflict(words)
        constraints.append(ConstraintDef("primary key", columns=(column.name,)))
        not_null = words.engine is not Engine.SQLITE or column.not_null
        return replace(column, not_null=not_null)
    if words.take("UNIQUE"):
        words.take("KEY")
        _on_conflict(words)
        constraints.append(ConstraintDef("unique", columns=(column.name,)))
        return column
    return _later_attribute(words, column, constraints)


def _later_attribute(words: Words, column: ColumnDef, constraints: list[ConstraintDef]) -> ColumnDef | None:
    if words.take("KEY"):
        constraints.append(ConstraintDef("primary key", columns=(column.name,)))
        return replace(column, not_null=True)
    if words.take("CHECK"):
        constraints.append(_check(words, ""))
        return column
    if words.take("REFERENCES"):
        constraints.append(_references(words, ConstraintDef("foreign key", columns=(column.name,))))
        return column
    if words.take("COLLATE"):
        words.take("=")
        return replace(column, collation=words.name())
    if words.take("COMMENT"):
        words.token()
        return column
    if words.take("ON", "UPDATE"):
        words.name()
        if words.ahead("("):
            words.inside()
        return column
    if words.take("GENERATED", "ALWAYS", "AS") or words.take("AS"):
        expression = " ".join(token.text for token in words.inside())
        kind = words.take_any("VIRTUAL", "STORED", "PERSISTENT")
        generated = "stored" if kind in ("STORED", "PERSISTENT") else "virtual"
        return replace(column, generated=generated, expression=expression)
    if words.take_any("INVISIBLE", "VISIBLE"):
        return column
    if words.take_any("COLUMN_FORMAT", "STORAGE", "SRID"):
        words.token()
        return column
    return None


def _on_conflict(words: Words) -> None:
    if words.take("ON", "CONFLICT"):
        words.name()


def read_default(words: Words) -> Default:
    """The value after DEFAULT: a literal, a function or a bracketed expression."""
    start = words.at
    if words.ahead("("):
        text = words.inside_text()
        calls = [
            token.upper
            for token, following in _pairs(text, words.engine)
            if token.kind == "word" and following == "("
        ]
        names = [
            token
            for token, following in _pairs(text, words.engine)
            if token.kind in ("word", "quoted") and following != "(" and token.upper not in _NO_COLUMN
        ]
        if names:  # it reads other columns of the row
            return Default(words.since(start), Volatility.VOLATILE, tuple(calls))
        if not calls:
            return Default(
                words.since(start), Volatility.CONSTANT if text.upper() != "NULL" else Volatility.NULL
            )
        stable = all(call in _STABLE for call in calls)
        return Default(words.since(start), Volatility.STABLE if stable else Volatility.VOLATILE, tuple(calls))
    sign = words.take_any("-", "+")
    token = words.token()
    if token.upper == "NULL":
        return Default("NULL", Volatility.NULL)
    if words.ahead("(") and not sign:
        words.inside()
        stable = token.upper in _STABLE
        calls = [token.upper]
        return Default(words.since(start), Volatility.STABLE if stable else Volatility.VOLATILE, tuple(calls))
    if token.upper in _STABLE:
        return Default(words.since(start), Volatility.STABLE, (token.upper,))
    return Default(words.since(start), Volatility.CONSTANT)


def _pairs(text: str, engine: Engine) -> list[tuple[Token, str]]:
    found = list(tokens(text, engine))
    return [(token, found[i + 1].text if i + 1 < len(found) else "") for i, token in enumerate(found)]


def _check(words: Words, name: str) -> ConstraintDef:
    held = words.inside()
    mentions = frozenset(token.name for token in held if token.kind in ("word", "quoted"))
    enforced = True
    if words.take("NOT", "ENFORCED"):
        enforced = False
    words.take("ENFORCED")
    return ConstraintDef("check", name, mentions=mentions, enforced=enforced, valid=enforced)


def _references(words: Words, made: ConstraintDef) -> ConstraintDef:
    made = replace(made, references=words.relation())
    if words.ahead("("):
        made = replace(made, referenced_columns=key_columns(words)[0])
    while True:
        if words.take("ON", "DELETE"):
            made = replace(made, on_delete=_referential(words))
        elif words.take("ON", "UPDATE"):
            made = replace(made, on_update=_referential(words))
        elif words.take("MATCH"):
            words.name()
        elif words.take("NOT", "DEFERRABLE") or words.take("DEFERRABLE"):
            pass
        elif words.take("INITIALLY"):
            words.name()
        else:
            return made


def _referential(words: Words) -> str:
    if words.take("SET", "NULL"):
        return "set null"
    if words.take("SET", "DEFAULT"):
        return "set default"
    words.take("NO")
    return words.name().lower()


def key_columns(words: Words) -> tuple[tuple[str, ...], bool]:
    """The columns of a key, "" for an expression, and whether one is a prefix."""
    names: list[str] = []
    lengths = False
    for item in words.items():
        found = list(tokens(item, words.engine))
        if found and found[0].kind in ("word", "quoted") and (len(found) == 1 or found[1].text not in (".",)):
            function = len(found) > 1 and found[1].text == "(" and not found[2].text.isdigit()
            names.append("" if function else found[0].name)
            lengths = lengths or (len(found) > 2 and found[2].text.isdigit())
        else:
            names.append("")
    return tuple(names), lengths


def table_element(words: Words, table: Relation) -> ColumnDef | ConstraintDef | IndexDef:
    """One element of CREATE TABLE's list, or what follows ALTER TABLE … ADD: a column, constraint or index."""
    name = ""
    if words.take("CONSTRAINT") and words.next.upper not in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
        name = words.name()
    if words.take("PRIMARY", "KEY"):
        _key_options(words)
        made = ConstraintDef("primary key", name, key_columns(words)[0])
        _key_options(words)
        return made
    if words.ahead("FOREIGN", "KEY"):
        words.take("FOREIGN", "KEY")
        if words.engine is not Engine.SQLITE:
            words.take("IF", "NOT", "EXISTS")
            if not words.ahead("("):
                key = words.name()
                name = name or key
        made = ConstraintDef("foreign key", name, key_columns(words)[0])
        words.expect("REFERENCES")
        return _references(words, made)
    if words.take("CHECK"):
        return _check(words, name)
    if words.take("UNIQUE"):
        return _unique(words, name)
    kind = _index_kind(words)
    if kind is not None:
        return _index(words, table, kind)
    return read_column(words)


def _index_kind(words: Words) -> str | None:
    for kind in ("FULLTEXT", "SPATIAL"):
        if words.take(kind):
            words.take_any("INDEX", "KEY")
            return kind.lower()
    if words.engine is not Engine.SQLITE and words.take_any("INDEX", "KEY"):
        return ""
    return None


def _unique(words: Words, name: str) -> ConstraintDef:
    words.take_any("INDEX", "KEY")
    words.take("IF", "NOT", "EXISTS")
    if not words.ahead("("):
        if not words.ahead("USING"):
            name = words.name()
        _key_options(words)
    made = ConstraintDef("unique", name, key_columns(words)[0])
    _key_options(words)
    _on_conflict(words)
    return made


def _index(words: Words, table: Relation, kind: str) -> IndexDef:
    words.take("IF", "NOT", "EXISTS")
    name = "" if words.ahead("(") or words.ahead("USING") else words.name()
    _key_options(words)
    names, lengths = key_columns(words)
    _key_options(words)
    return IndexDef(name, table, names, method=kind, lengths=lengths)


def _key_options(words: Words) -> None:
    while not words.done:
        if words.take_any("VISIBLE", "INVISIBLE", "IGNORED"):
            continue
        if words.take("NOT", "IGNORED"):
            continue
        if words.take_any("USING", "COMMENT", "KEY_BLOCK_SIZE"):
            words.take("=")
            words.token()
        elif words.take("WITH", "PARSER"):
            words.name()
        else:
            return
