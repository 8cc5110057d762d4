"""What one table, view or virtual table is made of: pragmas, and the texts that SQLite keeps."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from dbtui.engines.sqlite import ddl
from dbtui.errors import QueryError
from dbtui.model.catalog import Column, Constraint, Index, Kind, Table
from dbtui.sql.quoting import identifier

_VIRTUAL, _STORED = 2, 3  # in the column `hidden` of table_xinfo; 1 is a hidden column of a virtual table


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Structure:
    """A relation with its texts. `options` are STRICT, WITHOUT ROWID and the like."""

    table: Table
    triggers: tuple[Trigger, ...]
    sql: str
    texts: tuple[str, ...]  # of its indexes and triggers
    options: tuple[str, ...]
    type: str  # "table", "view", "virtual", "shadow"


def read(raw: sqlite3.Connection, name: str, path: tuple[str, ...]) -> Structure:
    """The structure of a relation. Raises QueryError when there is none of this name."""
    found = raw.execute(
        "select type, wr, strict from pragma_table_list(?) where schema = 'main'", (name,)
    ).fetchone()
    if found is None:
        raise QueryError(f"{name} is no longer there", "reload the tree")
    kind, without_rowid, strict = found
    texts = {
        (type_, object_): text or ""
        for type_, object_, text in raw.execute(
            "select type, name, sql from sqlite_schema where tbl_name = ? collate nocase", (name,)
        )
    }
    sql = next((text for (type_, _), text in texts.items() if type_ in ("table", "view")), "")
    columns = _columns(raw, name, sql)
    table = Table(
        Kind.VIEW if kind == "view" else Kind.TABLE,
        path,
        columns=tuple(column for column, _ in columns),
        indexes=_indexes(raw, name, texts),
        constraints=_constraints(raw, name, sql, [(c.name, place) for c, place in columns if place]),
    )
    triggers = tuple(Trigger(one, text) for (type_, one), text in texts.items() if type_ == "trigger")
    others = tuple(text for (type_, _), text in texts.items() if type_ in ("index", "trigger") and text)
    return Structure(table, triggers, sql, others, _options(strict, without_rowid, sql), str(kind))


def _options(strict: int, without_rowid: int, sql: str) -> tuple[str, ...]:
    words = ddl.words(sql)
    options = ["STRICT"] if strict else []
    options += ["WITHOUT ROWID"] if without_rowid else []
    options += ["AUTOINCREMENT"] if "autoincrement" in words else []
    if words[:3] == ["create", "virtual", "table"] and "using" in words:
        options.append(f"USING {words[words.index('using') + 1 : words.index('using') + 2][0]}")
    return tuple(options)


def _columns(raw: sqlite3.Connection, name: str, sql: str) -> list[tuple[Column, int]]:
    """Each column with its place in the primary key, 0 for none."""
    expressions = ddl.generated(sql)
    made = []
    for _, column, type_, not_null, default, place, hidden in raw.execute(
        f"PRAGMA main.table_xinfo({identifier(name)})"
    ):
        generated = ""
        if hidden in (_VIRTUAL, _STORED):
            kept = "stored" if hidden == _STORED else "virtual"
            generated = f"{expressions.get(column.lower(), '')} {kept}".strip()
        made.append((Column(column, type_, not not_null, default, generated=generated), int(place)))
    keys = [at for at, (_, place) in enumerate(made) if place]
    if len(keys) == 1 and made[keys[0]][0].type.upper() == "INTEGER":  # the rowid by another name: never NULL
        column, place = made[keys[0]]
        made[keys[0]] = (replace(column, nullable=False), place)
    return made


def _indexes(raw: sqlite3.Connection, name: str, texts: dict[tuple[str, str], str]) -> tuple[Index, ...]:
    made = []
    for _, index, unique, origin, _partial in raw.execute(f"PRAGMA main.index_list({identifier(name)})"):
        sql = texts.get(("index", index), "")
        written = ddl.index_columns(sql)
        keys = [
            row[2] if row[2] is not None else _expression(written, int(row[0]), int(row[1]))
            for row in raw.execute(f"PRAGMA main.index_xinfo({identifier(index)})")
            if row[5]
        ]
        made.append(
            Index(
                index,
                sql or f"made by {'PRIMARY KEY' if origin == 'pk' else 'UNIQUE'} of the table",
                tuple(keys),
                unique=bool(unique),
                primary=origin == "pk",
                predicate=ddl.predicate(sql),
            )
        )
    return tuple(made)


def _expression(written: list[str], position: int, column: int) -> str:
    if column == -1:
        return "rowid"
    return written[position] if position < len(written) else "expression"


def _constraints(
    raw: sqlite3.Connection, name: str, sql: str, primary: list[tuple[str, int]]
) -> tuple[Constraint, ...]:
    made = []
    if primary:
        columns = tuple(column for column, _ in sorted(primary, key=lambda pair: pair[1]))
        made.append(Constraint("primary key", "primary key", f"({', '.join(columns)})", columns))
    for _, index, _unique, origin, _partial in raw.execute(f"PRAGMA main.index_list({identifier(name)})"):
        if origin == "u":
            found = raw.execute(f"PRAGMA main.index_info({identifier(index)})").fetchall()
            columns = tuple(str(row[2]) for row in found)
            made.append(Constraint(index, "unique", f"({', '.join(columns)})", columns))
    made += _foreign_keys(raw, name)
    for number, (given, expression) in enumerate(ddl.checks(sql), 1):
        made.append(Constraint(given or f"check {number}", "check", expression))
    return tuple(made)


def _foreign_keys(raw: sqlite3.Connection, name: str) -> list[Constraint]:
    keys: dict[int, list[Any]] = defaultdict(list)
    for row in raw.execute(f"PRAGMA main.foreign_key_list({identifier(name)})"):
        keys[int(row[0])].append(row)
    made = []
    for number, rows in sorted(keys.items()):
        target, on_update, on_delete = rows[0][2], rows[0][5], rows[0][6]
        columns = tuple(str(row[3]) for row in rows)
        wanted = ", ".join(str(row[4]) for row in rows if row[4] is not None)
        definition = f"({', '.join(columns)}) references {target}" + (f"({wanted})" if wanted else "")
        for event, act in (("update", on_update), ("delete", on_delete)):
            definition += f" on {event} {act.lower()}" if act != "NO ACTION" else ""
        made.append(
            Constraint(f"foreign key {number}", "foreign key", definition, columns, ("main", str(target)))
        )
    return made
