"""Which cells of the matrices of MySQL and MariaDB a column is that is added, changed or dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbtui.model.migration import (
    Action,
    ColumnDef,
    KnownTable,
    Statement,
    Volatility,
)

_BYTES = {"latin1": 1, "ascii": 1, "binary": 1, "utf8": 3, "utf8mb3": 3, "ucs2": 2, "utf16": 4, "utf32": 4}


def add_column(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    column = action.column
    assert column is not None
    if column.generated:
        yield f"add column {column.generated}"
        return
    if column.serial:
        yield "add column autoincrement"
        return
    if column.has("check"):
        yield "add column check"
    if column.has("foreign key"):
        yield "add column references"
    if column.has("unique") or column.has("primary key"):
        yield "add column unique"
    value = column.default
    if value is not None and value.text.startswith("(") and value.volatility is not Volatility.NULL:
        stable = value.volatility is not Volatility.VOLATILE
        yield "add column stable expression" if stable else "add column expression"
    elif value is not None and value.volatility is Volatility.VOLATILE:
        yield "add column expression"
    elif special := _special_table(known):
        yield special
    elif column.position:
        generated = known is not None and any(each.generated for each in known.columns.values())
        yield "add column placed generated" if generated else "add column placed"
    else:
        yield "add column"


def _special_table(known: KnownTable | None) -> str:
    """Tables on which no column can be added instantly."""
    if known is None:
        return ""
    if any(index.method == "fulltext" for index in known.indexes):
        return "column on fulltext"
    return "column on compressed" if known.options.get("row_format") == "compressed" else ""


def drop_column(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    column = known.columns.get(action.name) if known else None
    if column is not None and column.generated:
        yield "drop generated column"
    elif known is not None and _in_primary_key(known, action.name):
        yield "drop primary key"
    elif special := _special_table(known):
        yield special
    elif known is not None and any(action.name in index.columns for index in known.indexes):
        yield "drop indexed column"
    else:
        yield "drop column"


def change_column(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    new = action.column
    assert new is not None
    old = known.columns.get(action.name) if known else None
    if old is None or known is None:
        yield "change type"
        return
    generated = any(column.generated for column in known.columns.values())
    if new.name != action.name:
        yield "rename column"
    if new.position:
        yield "reorder column generated" if generated else "reorder column"
    if new.serial and not old.serial:
        yield "column autoincrement"
        return
    if (new.generated, new.expression) != (old.generated, old.expression):
        both = new.generated == old.generated == "virtual"
        yield "change virtual expression" if both else "change type"
    yield from _type_change(old, new, known)
    if new.not_null != (old.not_null or _in_primary_key(known, action.name)) and not new.has("primary key"):
        yield from _nullability(new, known, generated, action.name)
    if new == old:
        yield "column metadata"


def _in_primary_key(known: KnownTable, name: str) -> bool:
    key = known.primary_key
    return key is not None and name in key.columns


def _nullability(new: ColumnDef, known: KnownTable, generated: bool, name: str) -> Iterator[str]:
    if _in_primary_key(known, name):
        return
    if any(index.method == "fulltext" for index in known.indexes):
        yield "rebuild table fulltext"
    else:
        yield "nullability generated" if generated else "nullability"


def _type_change(old: ColumnDef, new: ColumnDef, known: KnownTable) -> Iterator[str]:
    was, now = old.type, new.type
    charset = now.charset or _of_collation(new.collation) or known.options.get("charset", "")
    old_charset = was.charset or _of_collation(old.collation) or known.options.get("charset", "")
    textual = now.name in ("varchar", "char", "text", "tinytext", "mediumtext", "longtext", "enum", "set")
    if textual and was.name == now.name and charset != old_charset:
        yield "column charset"
        return
    if textual and new.collation and new.collation != old.collation:
        yield "column collation"
    if was.name == now.name == "varchar":
        yield from _varchar(int((was.modifiers or ("1",))[0]), int((now.modifiers or ("1",))[0]), charset)
    elif was.name == now.name and now.name in ("enum", "set"):
        yield from _members(was.members, now.members, now.name)
    elif _differs(was.name, was.modifiers, now.name, now.modifiers) or was.unsigned != now.unsigned:
        yield "change type"
    else:
        yield "column metadata"


_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")


def _differs(name: str, modifiers: tuple[str, ...], new_name: str, new_modifiers: tuple[str, ...]) -> bool:
    """Whether two types differ in storage; the display width of an integer is not part of it."""
    if name != new_name:
        return True
    return name not in _INTEGERS and modifiers != new_modifiers


def _of_collation(collation: str) -> str:
    return collation.partition("_")[0] if collation else ""


def _varchar(was: int, now: int, charset: str) -> Iterator[str]:
    width = _BYTES.get(charset, 4)
    if now < was:
        yield "change type"
    elif now == was:
        yield "column metadata"
    elif (was * width <= 255) == (now * width <= 255):
        yield "extend varchar"
    else:
        # MariaDB keeps a length byte for values whose longest is below 128 bytes anyway.
        yield "extend varchar across 255 from 127" if was * width <= 127 else "extend varchar across 255"


def _members(was: tuple[str, ...], now: tuple[str, ...], kind: str) -> Iterator[str]:
    if was == now:
        yield "column metadata"
        return
    steps = (8, 16, 24, 32, 64) if kind == "set" else (255, 65535)
    same_size = _step(len(was), steps) == _step(len(now), steps)
    yield "append enum" if now[: len(was)] == was and same_size else "change type"


def _step(count: int, steps: tuple[int, ...]) -> int:
    return next((step for step in steps if count <= step), 0)
